/** The common part of most commands: opens settings, key ring and store, and closes them after an act. */

import type { KeyRing } from '../code/key-ring.ts'
import { loadSettings } from '../config/load-settings.ts'
import { otherNames } from '../config/overlay.ts'
import { readKeyRing } from '../config/read-key-ring.ts'
import type { Settings } from '../config/settings.ts'
import { openStore } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'
import { type ByOperator, byOperator } from './operator.ts'
import type { Terminal } from './terminal.ts'

export type CommonOptions = { readonly config?: string; readonly data?: string; readonly json?: boolean }

export type Opened = {
  readonly settings: Settings
  readonly store: Store
  readonly ring: KeyRing
  /** The entry of an act in the audit. */
  readonly by: ByOperator
}

/** The settings file, named by --config, or in containers by the environment. */
export function settingsFile(options: CommonOptions, terminal: Terminal): string | null {
  return options.config ?? terminal.env[otherNames.config] ?? null
}

/** @param store  Used instead of the store in the settings. */
export function settingsFor(options: CommonOptions, terminal: Terminal, store?: string) {
  const file = settingsFile(options, terminal)
  return loadSettings({
    file,
    env: terminal.env,
    flags: { data: options.data, store },
    isDevelopment: file === null,
    isServing: false,
  })
}

/** Runs an act on the store, which may be in use by a server at the same time. */
export async function withStore<T>(
  options: CommonOptions,
  terminal: Terminal,
  act: (opened: Opened) => Promise<T>,
): Promise<T> {
  const { settings } = settingsFor(options, terminal)
  await using store = await openStore(settings.store, { deadlineMs: 10_000, migrates: false })
  const ring = readKeyRing(settings)
  return await act({ settings, store, ring, by: byOperator(ring) })
}
