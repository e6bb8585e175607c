/** Online backup of the embedded store, while a server runs on it. */

import { closeSync, existsSync, linkSync, openSync, rmSync } from 'node:fs'
import { backup, DatabaseSync } from 'node:sqlite'
import { AppError } from '../../errors.ts'
import { randomHex } from '../../random.ts'

/**
 * All pages in one step, on a thread of its own, while others write on. In several steps SQLite begins anew
 * after each write of another process: under load it never came to an end.
 */
export const allPages = 2 ** 31 - 1

/**
 * Copies the store as of one moment. Written beside the target under a name that nobody can foresee, checked, and
 * only then given the target's name: so a file of that name is always a good backup.
 * @throws AppError `input.invalid` if the target exists or its folder cannot be written; nothing is overwritten.
 */
export async function backupSqlite(path: string, target: string): Promise<{ readonly pages: number }> {
  if (!existsSync(path)) throw new AppError('input.invalid', `${path}: there is no store to back up`)
  if (existsSync(target)) throw alreadyThere(target)
  const partial = `${target}.${randomHex(8)}.partial`
  try {
    // Exclusive: what somebody put in its place, such as a link to elsewhere, is not written to.
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
    // A link, unlike a rename, never takes the place of a file that came meanwhile.
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
