/** `countersign migrate` of a schema, and `countersign backup`. */

import { resolve } from 'node:path'
import { AppError } from '../errors.ts'
import { openStore, prepareStore, storeName } from '../store/open-store.ts'
import { backupSqlite } from '../store/sqlite/backup.ts'
import { type CommonOptions, settingsFor } from './opened.ts'
import type { Terminal } from './terminal.ts'

/** Makes the store, or brings its schema up to date, without serving. */
export async function migrateSchema(options: CommonOptions, terminal: Terminal): Promise<void> {
  const choice = settingsFor(options, terminal).settings.store
  prepareStore(choice)
  let migrated: { readonly from: number; readonly to: number } | null = null
  await using store = await openStore(choice, {
    deadlineMs: 60_000,
    onMigrated: (from, to) => {
      migrated = { from, to }
    },
  })
  await store.now()
  const name = storeName(choice)
  if (options.json) return terminal.out(JSON.stringify({ store: name, isUpToDate: true, migrated }))
  terminal.out(`${name} is up to date${migrated ? `: ${schemaStep(migrated)}` : ''}.`)
}

/** e.g. `schema 2 → 3`. */
export function schemaStep({ from, to }: { readonly from: number; readonly to: number }): string {
  return from === 0 ? `schema ${to}, new` : `schema ${from} → ${to}`
}

export async function backup(file: string, options: CommonOptions, terminal: Terminal): Promise<void> {
  const choice = settingsFor(options, terminal).settings.store
  if (choice.engine !== 'sqlite')
    throw new AppError(
      'input.invalid',
      `${storeName(choice)}: is backed up by PostgreSQL's own tools, such as pg_dump; see docs/postgres.md`,
    )
  const { path } = choice
  const target = resolve(file)
  const { pages } = await backupSqlite(path, target)
  if (options.json) return terminal.out(JSON.stringify({ file: target, pages }))
  terminal.out(
    `${target}: ${pages} pages, checked. Keep the key ring with it, in another place: neither is of use alone.`,
  )
}
