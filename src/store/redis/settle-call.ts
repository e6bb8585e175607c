/** The call that settles messages of one shard, with the limiters that may get a refund. */

import type { Second } from '../../message/second.ts'
import type { Settlement } from '../outbox.ts'
import type { Used } from '../verifications.ts'
import type { Call } from './call.ts'
import type { Layout } from './layout.ts'

export type SettledEntry = {
  readonly entry: string
  /** Number of the claim that settles the message. */
  readonly nth: number
  /** Number of the claim by which it failed, if that is another. */
  readonly failedBy?: number
  readonly next: Settlement['next']['kind']
  readonly outcome: Settlement['dispatch']['outcome']
  readonly verification: string
  readonly afterMs?: number
  readonly channel?: Second
  readonly provider: string
  /** If no provider took the message, the hit made at `at` is refunded to these limiters. */
  readonly frees?: readonly string[]
  readonly at?: number
  readonly accepted?: NonNullable<Used['broughtBy']>
  /** To be recorded in the history; absent if it is there. */
  readonly dispatch?: { readonly name: string; readonly json: string }
  /** Somebody reads the events of the dispatch. */
  readonly isTold?: boolean
}

/** Makes the call in the form of functions/settle.lua. */
export function settleCall(
  layout: Layout,
  shard: number,
  until: number,
  settled: readonly SettledEntry[],
): Call {
  const { bodies, entries, due, waiting, records, dispatched, events, eventCount } = layout.of[shard]!
  const keys = [bodies, entries, due, waiting, records, dispatched, events, eventCount]
  const args = settled.flatMap((one) => {
    const { entry, nth, failedBy = nth, next, outcome, provider, verification, accepted, dispatch } = one
    const brought = accepted ? JSON.stringify(accepted) : ''
    const details = next === 'done' ? '' : JSON.stringify(detailsOf(one))
    const recorded = [dispatch?.name ?? '', dispatch?.json ?? '', dispatch && one.isTold ? '1' : '']
    return [entry, nth, failedBy, next, outcome, provider, verification, brought, details, ...recorded]
  })
  return { name: 'settle', shard, keys, args, until }

  function detailsOf({ afterMs, channel, at, frees = [] }: SettledEntry) {
    // A limiter on another shard is not one of the address, and gets no refund.
    const limiters = frees.map((key) => layout.limiter(key)).filter((limiter) => limiter.shard === shard)
    return { afterMs, channel, at, limiters: limiters.map(({ key }) => keys.push(key)) }
  }
}
