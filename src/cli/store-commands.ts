/** `countersign migrate` of a schema, `countersign backup` and `countersign restore`. */

import { resolve } from 'node:path'
import { open } from '../code/seal.ts'
import { readKeyRing } from '../config/read-key-ring.ts'
import { AppError } from '../errors.ts'
import { makeFolder } from '../secret-file.ts'
import { storeName } from '../store/engines.ts'
import { backupStore, openStore, prepareStore, restoreStore } from '../store/open-store.ts'
import { lockDataFolder } from '../store/sqlite/data-lock.ts'
import type { Terminal } from './terminal.ts'
import { type CommonOptions, settingsFor } from './with-store.ts'

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
function schemaStep({ from, to }: { readonly from: number; readonly to: number }): string {
  return from === 0 ? `schema ${to}, new` : `schema ${from} → ${to}`
}

export async function backup(file: string, options: CommonOptions, terminal: Terminal): Promise<void> {
  const target = resolve(file)
  const { pages } = await backupStore(settingsFor(options, terminal).settings.store, target)
  if (options.json) return terminal.out(JSON.stringify({ file: target, pages }))
  terminal.out(
    `${target}: ${pages} pages, checked. Keep the key ring with it, in another place: neither is of use alone.`,
  )
}

/** @throws AppError `store.locked` while a server runs, `input.invalid` if the file or the key ring does not fit. */
export async function restore(file: string, options: CommonOptions, terminal: Terminal): Promise<void> {
  const { settings } = settingsFor(options, terminal)
  const choice = settings.store
  const ring = readKeyRing(settings)
  makeFolder(settings.dataFolder)
  using _ = lockDataFolder(settings.dataFolder)
  prepareStore(choice)
  const { before, newest } = await restoreStore(choice, resolve(file), (apps) => {
    const readable = apps.filter((app) => open(ring, app.sealedKey, `app:${app.id}`) !== undefined)
    if (readable.length < apps.length)
      throw new AppError(
        'input.invalid',
        `the key ring opens the keys of ${readable.length} of ${apps.length} apps of the backup; put the ring of that time back first`,
      )
  })
  const name = storeName(choice)
  const asOf = newest === null ? null : new Date(newest).toISOString()
  if (options.json) return terminal.out(JSON.stringify({ store: name, before, newest: asOf }))
  terminal.out(`${name} is the backup${asOf === null ? '' : `; its last code was asked for at ${asOf}`}.`)
  if (before !== null) terminal.out(`The store that was there before is ${before}.`)
  terminal.out(
    'Codes that lived then are ended. Logouts, disabled members and changes since then are undone.',
  )
}
