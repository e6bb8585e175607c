/** A message in the outbox between claims, as stores keep it. */

import type { Channel } from './channel.ts'

export type StoredEntry = {
  /** When it may be claimed, engine time in ms. While somebody holds its lease, the end of that. */
  readonly dueAt: number
  /** Of the lease; empty: nobody. */
  readonly owner: string
  /** So far. The number of each is that of the dispatch it leads to. */
  readonly claims: number
  /** Providers it was dispatched to, oldest first. */
  readonly tried: readonly string[]
  /** How many of those ended unknown. */
  readonly unknowns: number
  /** The channel that follows if no receipt says delivered in time; null: it is on its first. */
  readonly second: Channel | null
  /** The provider to which its owner had begun to hand it over. */
  readonly begun: string | null
}

/** Nobody holds it any more, and it may be claimed from `dueAt` on. */
export function released(entry: StoredEntry, dueAt: number): StoredEntry {
  return { ...entry, dueAt, owner: '', begun: null }
}

/** Whether it waits for a receipt, and nobody is handing it over by its second channel. */
export function isWaitingForReceipt({ second, owner }: StoredEntry): boolean {
  return second !== null && owner === ''
}
