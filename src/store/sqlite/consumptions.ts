/** What was consumed, in SQLite. */

import type { DatabaseSync } from 'node:sqlite'
import type { Consumption } from '../consumptions.ts'

export function sqliteConsumptions(db: DatabaseSync) {
  const insert = db.prepare('insert into consumption values (?, ?, ?) on conflict do nothing')
  const select = db.prepare('select consumer from consumption where thing = ?')
  const consumer = (thing: string) => select.get(thing)?.consumer as string | undefined
  return {
    consume({ thing, by, expiresAt }: Consumption): boolean {
      return insert.run(thing, by, expiresAt).changes === 1 || consumer(thing) === by
    },
    consumer,
  }
}
