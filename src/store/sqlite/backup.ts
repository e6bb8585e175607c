/** Online backup of the embedded store, while a server runs on it. */

import { existsSync, renameSync, rmSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { AppError } from '../../errors.ts'

/**
 * All pages in one step, on a thread of its own, while others write on. In several steps SQLite begins anew
 * after each write of another process: under load it never came to an end.
 */
const allPages = 2 ** 31 - 1

/**
 * Copies the store as of one moment. Written beside the target and renamed when it is whole and
 * checked, so that a file of the target's name is always a good backup.
 * @throws AppError `input.invalid` if the target exists; nothing is overwritten.
 */
export async function backupSqlite(path: string, target: string): Promise<{ readonly pages: number }> {
  if (!existsSync(path)) throw new AppError('input.invalid', `${path}: there is no store to back up`)
  if (existsSync(target))
    throw new AppError('input.invalid', `${target}: exists already; choose another name`)
  const partial = `${target}.partial`
  const source = new DatabaseSync(path, { readOnly: true })
  try {
    const pages = await backup(source, partial, { rate: allPages })
    const copy = new DatabaseSync(partial)
    try {
      copy.exec('pragma journal_mode = delete')
      const result = copy.prepare('pragma integrity_check').get() as { integrity_check: string }
      if (result.integrity_check !== 'ok')
        throw new AppError('store.unavailable', `${path}: ${result.integrity_check}`)
    } finally {
      copy.close()
    }
    renameSync(partial, target)
    return { pages }
  } finally {
    source.close()
    rmSync(partial, { force: true })
  }
}
