/** `countersign migrate` and `countersign backup`. */

import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { backupSqlite } from '../store/sqlite/backup.ts'
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts'
import { type CommonOptions, settingsFor } from './opened.ts'
import type { Terminal } from './terminal.ts'

/** Opening a store brings its schema up to date; this does so without serving. */
export async function migrate(options: CommonOptions, terminal: Terminal): Promise<void> {
  const { path } = settingsFor(options, terminal).settings.store
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  await using store = await openSqliteStore({ path, deadlineMs: 60_000 })
  await store.now()
  terminal.out(options.json ? JSON.stringify({ store: path, isUpToDate: true }) : `${path} is up to date.`)
}

export async function backup(file: string, options: CommonOptions, terminal: Terminal): Promise<void> {
  const { path } = settingsFor(options, terminal).settings.store
  const target = resolve(file)
  const { pages } = await backupSqlite(path, target)
  if (options.json) return terminal.out(JSON.stringify({ file: target, pages }))
  terminal.out(
    `${target}: ${pages} pages, checked. Keep the key ring with it, in another place: neither is of use alone.`,
  )
}
