/** A message in the outbox between claims, as stores keep it. */

import type { Second } from './second.ts'

export type StoredEntry = {
  /** When it may be claimed, in ms of engine time. While it is leased, the end of the lease. */
  readonly dueAt: number
  /** The owner of the lease; empty: nobody. */
  readonly owner: string
  /** The number of claims so far. A claim and its dispatch have the same number. */
  readonly claims: number
  /** Providers it was dispatched to, oldest first. */
  readonly tried: readonly string[]
  /** How many of those ended unknown. */
  readonly unknowns: number
  /** The channel that follows, see `Second`; null: it is still on its first channel. */
  readonly second: Second | null
  /** The provider to which its owner had begun to hand it over. */
  readonly begun: string | null
}

/** The entry without a lease, to be claimed from `dueAt` on. */
export function released(entry: StoredEntry, dueAt: number): StoredEntry {
  return { ...entry, dueAt, owner: '', begun: null }
}

/** Whether it waits for a receipt, and is not being handed over by its second channel. */
export function isWaitingForReceipt({ second, owner }: StoredEntry): boolean {
  return second !== null && owner === ''
}
