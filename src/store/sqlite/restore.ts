/** Replaces the embedded store by a backup, while no server runs on it. */

import { closeSync, existsSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { backup, DatabaseSync } from 'node:sqlite'
import { AppError } from '../../errors.ts'
import { randomHex } from '../../random.ts'
import { flushFolder, giveToFolderOwner } from '../../secret-file.ts'
import { stateNumber } from '../numbering.ts'
import { refuseNewer } from '../schema.ts'
import { allPages } from './backup.ts'
import { migrate } from './engine.ts'
import { migrations } from './migrations.ts'

export type Restored = {
  /** The new path of the store that was there before; null: there was none. */
  readonly before: string | null
  /** Engine time of the newest record in the backup, ms; null: it has none. */
  readonly newest: number | null
}

/**
 * Replaces the store by a backup. The present store stays beside it under a new name. Codes and proofs that were live in
 * the backup are ended, because they may have been used since. The caller holds the lock of the data folder.
 * @param check  Gets the sealed keys of the backup's apps before anything is replaced; may throw.
 * @throws AppError `input.invalid` if the file is no good backup, `store.schema-newer`. Then nothing was replaced.
 */
export async function restoreSqlite(
  file: string,
  path: string,
  check: (apps: readonly { readonly id: string; readonly sealedKey: string }[]) => void,
): Promise<Restored> {
  const partial = `${path}.${randomHex(8)}.partial`
  closeSync(openSync(partial, 'wx', 0o600))
  try {
    giveToFolderOwner(partial)
    const newest = await copyChecked(file, partial, check)
    const before = setAside(path)
    renameSync(partial, path)
    flushFolder(dirname(path))
    return { before, newest }
  } finally {
    rmSync(partial, { force: true })
  }
}

async function copyChecked(
  file: string,
  partial: string,
  check: Parameters<typeof restoreSqlite>[2],
): Promise<number | null> {
  try {
    const source = new DatabaseSync(file, { readOnly: true })
    try {
      await backup(source, partial, { rate: allPages })
    } finally {
      source.close()
    }
  } catch (error) {
    throw new AppError('input.invalid', `${file}: is no backup (${(error as Error).message})`, {
      cause: error,
    })
  }
  const copy = new DatabaseSync(partial)
  try {
    copy.exec('pragma journal_mode = delete; pragma synchronous = full')
    const { integrity_check } = copy.prepare('pragma integrity_check').get() as { integrity_check: string }
    const { user_version } = copy.prepare('pragma user_version').get() as { user_version: number }
    const tables = copy.prepare(
      `select count(*) as n from sqlite_master where name in ('meta', 'app', 'journal')`,
    )
    if (integrity_check !== 'ok' || user_version < 1 || (tables.get() as { n: number }).n !== 3)
      throw new AppError('input.invalid', `${file}: is no whole backup of Countersign`)
    refuseNewer(user_version, migrations.length)
    check(
      // Deleted apps have no key.
      copy.prepare("select id, sealed_key as sealedKey from app where sealed_key <> ''").all() as {
        id: string
        sealedKey: string
      }[],
    )
    // Migrated here already, so that the statements below end all that is live.
    migrate(copy)
    copy.exec(
      `update verification set state = ${stateNumber.dead} where state in (${stateNumber.live}, ${stateNumber.spent});
       delete from login_proof`,
    )
    return (copy.prepare('select max(issued_at) as at from verification').get() as { at: number | null }).at
  } finally {
    copy.close()
  }
}

/** Renames the store, with its log moved into it, to a name with the time. */
function setAside(path: string): string | null {
  if (!existsSync(path)) return null
  const stamp = new Date().toISOString().replace(/[:.]/g, '-')
  const before = `${path}.before-${stamp}`
  try {
    const db = new DatabaseSync(path)
    db.exec('pragma journal_mode = delete')
    db.close()
  } catch {
    // It may be broken, and the backup needed for that reason. Its log then stays beside it unchanged.
    for (const end of ['-wal', '-shm'])
      if (statSync(path + end, { throwIfNoEntry: false })) renameSync(path + end, before + end)
  }
  renameSync(path, before)
  return before
}
