/** One server a data folder: a lock that the operating system frees however its holder ends. */

import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { AppError } from '../../errors.ts'

/**
 * Holds the folder for this process. The lock is SQLite's own on a file beside the store: unlike a
 * file with a process number in it, it is gone with the process, even after a SIGKILL.
 * @throws AppError `store.locked` if another server holds it.
 */
export function lockDataFolder(folder: string): Disposable {
  const db = new DatabaseSync(join(folder, 'server.lock'), { timeout: 0 })
  try {
    db.exec('pragma journal_mode = delete; begin exclusive')
  } catch (error) {
    db.close()
    throw new AppError(
      'store.locked',
      `Another server already runs on the data folder ${folder}. Stop it, or choose another folder with --data.`,
      { cause: error },
    )
  }
  return { [Symbol.dispose]: () => db.close() }
}
