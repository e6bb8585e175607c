/** Online backup of the embedded store, while a server runs on it. */

import { closeSync, existsSync, linkSync, openSync, rmSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { AppError } from '../../errors.ts'
import { randomHex } from '../../random.ts'

/**
 * Copies all pages in one step, on a thread of its own, while others go on writing. In several steps SQLite would begin
 * again after each write of another process: under load such a backup never ended.
 */
export const allPages = 2 ** 31 - 1

/**
 * Copies the store as of one moment. The copy is written beside the target under an unforeseeable name, checked, and only
 * then gets the target's name, so that a file of that name is always a good backup.
 * @throws AppError `input.invalid` if the target exists or its folder cannot be written; nothing is overwritten.
 */
export async function backupSqlite(path: string, target: string): Promise<{ readonly pages: number }> {
  if (!existsSync(path)) throw new AppError('input.invalid', `${path}: there is no store to back up`)
  if (existsSync(target)) throw alreadyThere(target)
  const partial = `${target}.${randomHex(8)}.partial`
  try {
    // Exclusive, so that nothing is written through a link that somebody put there.
    closeSync(openSync(partial, 'wx', 0o600))
  } catch (error) {
    throw new AppError('input.invalid', `${target}: ${(error as Error).message}; choose another folder`, {
      cause: error,
    })
  }
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
    // A link fails if there is a file of that name by now; a rename would replace it.
    linkSync(partial, target)
    return { pages }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw code === 'EEXIST' ? alreadyThere(target) : error
  } finally {
    source.close()
    rmSync(partial, { force: true })
  }
}

function alreadyThere(target: string): AppError {
  return new AppError('input.invalid', `${target}: exists already; choose another name`)
}
