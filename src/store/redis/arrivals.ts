/** Collects claimed messages from several shards. Messages of a slow shard come with the next poll. */

import type { OutboxEntry } from '../../message/outbox-entry.ts'

/** A message that arrived longer ago is left until its lease ends, because the lease must outlast the hand-over. */
const maxAgeMs = 500

export type Arrivals = ReturnType<typeof createArrivals>

export function createArrivals() {
  let arrived: { readonly owner: string; readonly entry: OutboxEntry; readonly at: number }[] = []
  return {
    add(owner: string, entries: readonly OutboxEntry[]): void {
      const at = performance.now()
      for (const entry of entries) arrived.push({ owner, entry, at })
    },

    /** The messages of an owner that have arrived, each with the rest of its life. */
    take(owner: string): OutboxEntry[] {
      const time = performance.now()
      const taken = arrived.filter((one) => one.owner === owner && time - one.at < maxAgeMs)
      arrived = arrived.filter((one) => one.owner !== owner)
      return taken.map(({ entry, at }) => ({ ...entry, remainingMs: entry.remainingMs - (time - at) }))
    },
  }
}
