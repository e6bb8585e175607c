/**
 * Verifications that this process started lately, as they were then. A check by id needs of them only what never changes,
 * and else would ask the store for it: one more call to the engine, and one more wait for its commit.
 */

import { onceForEach } from '../once-for-each.ts'
import type { Store } from '../store/store.ts'
import type { Verification } from '../verification/verification.ts'

/** Some 6 MB at most, for two generations. */
const maxOfGeneration = 4_000

type RecentStarts = {
  /** One that waits for its challenge is not kept, because its state decides whether a code may be entered. */
  keep(record: Verification): void
  /** State, submissions and use are those of the start. */
  get(id: string): Verification | undefined
}

/** Those of a store. */
export const recentStarts = onceForEach((_store: Store): RecentStarts => {
  let young = new Map<string, Verification>()
  let old = new Map<string, Verification>()
  return {
    keep(record) {
      if (record.state !== 'live') return
      if (young.size >= maxOfGeneration) {
        old = young
        young = new Map()
      }
      young.set(record.id, record)
    },
    get: (id) => young.get(id) ?? old.get(id),
  }
})
