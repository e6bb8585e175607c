/** Lets one server use a data folder, by a lock that the operating system frees however the server ends. */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError } from '../../errors.ts'

/** SQLite's result code for a file that another connection holds. */
const busy = 5

/**
 * Locks the folder for this process. The lock is SQLite's own, on a file beside the store. Unlike a file with a process
 * number in it, it ends with the process, even after a SIGKILL.
 * @throws AppError `store.locked` if another server holds it, `store.unavailable` if it cannot be written.
 */
export function lockDataFolder(folder: string): Disposable {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(join(folder, 'server.lock'), { timeout: 0 })
    db.exec('pragma journal_mode = delete; begin exclusive')
  } catch (error) {
    db?.close()
    if ((error as { errcode?: number }).errcode === busy)
      throw new AppError(
        'store.locked',
        `Another server already runs on the data folder ${folder}. Stop it, or choose another folder with --data.`,
        { cause: error },
      )
    throw new AppError(
      'store.unavailable',
      `The data folder ${folder} cannot be locked: ${error instanceof Error ? error.message : error}. It must exist and be writable.`,
      { cause: error },
    )
  }
  const held = db
  return { [Symbol.dispose]: () => held.close() }
}
