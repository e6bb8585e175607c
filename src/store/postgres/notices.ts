/** Word from one process to the others that messages are due which nobody holds. */

import { bind, sql } from './statement.ts'

export const dueChannel = 'countersign_due'

/**
 * Only where a message becomes due that its own process does not hand over at once. Not with every issue: a
 * commit that notifies waits for every other one that does, through its flush to the disk.
 */
export const notifyDue = bind(sql(`select to_json(pg_notify('${dueChannel}', '') is not null)`))
