/** The call that says what becomes of messages of one shard, with the limiters that it may free. */

import type { Channel } from '../../message/channel.ts'
import type { Settlement } from '../outbox.ts'
import type { Used } from '../verifications.ts'
import type { Call } from './calls.ts'
import type { Layout } from './layout.ts'

/** As functions/outbox.lua takes it. */
export type SettledEntry = {
  readonly entry: string
  /** Which claim of the message settles it. */
  readonly nth: number
  /** Which claim it failed by, if that is another. */
  readonly failedBy?: number
  readonly next: Settlement['next']['kind']
  readonly outcome: Settlement['dispatch']['outcome']
  readonly verification: string
  readonly afterMs?: number
  readonly channel?: Channel
  readonly provider?: string
  /** Limiters of the address to free of the hit made at `at`, if nobody took the message. */
  readonly frees?: readonly string[]
  readonly at?: number
  readonly accepted?: NonNullable<Used['broughtBy']>
}

export function settleCall(
  layout: Layout,
  shard: number,
  until: number,
  settled: readonly SettledEntry[],
): Call {
  const { bodies, entries, due, waiting, records } = layout.of[shard]!
  const keys = [bodies, entries, due, waiting, records]
  const wires = settled.map(({ frees = [], ...one }) => {
    // What lies elsewhere is not of the address, and not freed.
    const limiters = frees.map((key) => layout.limiter(key)).filter((limiter) => limiter.shard === shard)
    return { ...one, frees: limiters.map(({ key }) => keys.push(key)) }
  })
  return { name: 'settle', shard, keys, args: [JSON.stringify(wires)], until }
}
