/** One outbox over both: messages of codes in Redis, notices in PostgreSQL. The dispatches of both are recorded there. */

import type { AppError } from '../../errors.ts'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import type { Dispatches } from '../dispatches.ts'
import type { Begun, Lease, Outbox, Settlement } from '../outbox.ts'
import type { PostgresEngine } from '../postgres/postgres-store.ts'
import { allWithin } from './all-within.ts'
import { createArrivals } from './arrivals.ts'
import type { RedisOutbox } from './outbox.ts'
import { sentEvents } from './told-events.ts'
import type { WaitingDispatches } from './waiting-dispatches.ts'

/** The longest wait for notices, because codes have less time than they. */
const noticesMs = 200
/** If Redis has not settled a message by then, its dispatch goes to the history at once, for which there is so much time. */
const redisMs = 200
const recordMs = 500

type Postponed = Parameters<Outbox['postpone']>[0]

/**
 * @param beforeOtherEvents  Moves events that come before those of receipts.
 * @param waiting  Dispatches that are not in the history yet.
 */
export function bothOutboxes(
  { store: cold, history }: PostgresEngine,
  beforeOtherEvents: (until: number) => Promise<void>,
  outbox: RedisOutbox,
  waiting: WaitingDispatches,
  shards: number,
) {
  const allShards = Array.from({ length: shards }, (_, shard) => shard)
  /** Messages that PostgreSQL gave out although they are of codes: from before Redis was added. */
  const coldCodes = new Set<string>()
  const keyOf = ({ queuedAt, messageId }: { queuedAt: number; messageId: string }) =>
    `${queuedAt} ${messageId}`
  const isCold = (one: { queuedAt: number; messageId: string; verification: string }) =>
    one.verification === '' || (coldCodes.size > 0 && coldCodes.has(keyOf(one)))
  const coldOf = (one: Settlement) =>
    isCold({ queuedAt: one.queuedAt, messageId: one.dispatch.messageId, verification: one.verification })

  const arrivals = createArrivals()
  /** A claim of notices that was not awaited to its end. */
  let hanging: Promise<void> | undefined

  /** Claims in both at once. If one hangs, the messages of the other are handed over. */
  async function claim(until: number, max: number, lease: Lease): Promise<readonly OutboxEntry[]> {
    const notices = claimNotices(max, lease)
    const failure = (await outbox.claim(until, max, lease, arrivals)) ?? (await notices)
    // If the caller has stopped waiting, the messages are left for the next poll.
    const claimed = performance.now() < until ? arrivals.take(lease.owner) : []
    if (claimed.length === 0 && failure) throw failure
    return claimed
  }

  async function claimNotices(max: number, lease: Lease): Promise<AppError | undefined> {
    const claiming =
      hanging ?? cold.outbox.claim(max, lease).then((entries) => arrivals.add(lease.owner, noted(entries)))
    const failure = await allWithin(noticesMs, [claiming])
    if (failure && !hanging) {
      const end = () => {
        hanging = undefined
      }
      hanging = claiming
      claiming.then(end, end)
    }
    return failure
  }

  function noted(entries: readonly OutboxEntry[]): readonly OutboxEntry[] {
    for (const { verification, queuedAt, message } of entries)
      if (verification) coldCodes.add(keyOf({ queuedAt, messageId: message.id }))
    return entries
  }

  async function settle(until: number, settlements: readonly Settlement[]): Promise<readonly boolean[]> {
    if (!settlements.some(coldOf)) return settleHot(until, settlements)
    const { hot = [], cold: notices = [] } = Object.groupBy(settlements, (one) =>
      coldOf(one) ? 'cold' : 'hot',
    )
    const [ofNotices, ofCodes] = await Promise.all([
      notices.length > 0 ? cold.outbox.settle(notices) : [],
      settleHot(until, hot),
    ])
    // Matched by order within each kind, because the same message may be settled twice in one call.
    const answers = { hot: ofCodes.values(), cold: ofNotices.values() }
    const givenUp = settlements.map((one) => answers[coldOf(one) ? 'cold' : 'hot'].next().value!)
    for (const { queuedAt, dispatch } of notices)
      coldCodes.delete(keyOf({ queuedAt, messageId: dispatch.messageId }))
    return givenUp
  }

  /**
   * The dispatch is kept in Redis by the step that settles its message. If Redis does not answer, it is recorded in the
   * history at once: it happened, and whoever claims the message next must find that.
   */
  async function settleHot(until: number, settlements: readonly Settlement[]): Promise<readonly boolean[]> {
    if (settlements.length === 0) return []
    const settling = outbox.settle(until, settlements)
    const failure = await allWithin(redisMs, [settling])
    const recorded = failure
      ? new Set(await history.record(performance.now() + recordMs, settlements).catch(() => []))
      : undefined
    if (recorded)
      await history.publish(performance.now() + recordMs, sentEvents([...recorded])).catch(() => undefined)
    const isLate = await settling
    if (recorded) {
      const late = settlements.filter((one, i) => isLate[i] && recorded.has(one))
      if (late.length > 0) await history.markLate(until, late)
    }
    // A receipt that came between such a record and the settling found no wait that it could end.
    const awaiting = settlements.filter(({ next }) => next.kind === 'second')
    if (awaiting.length > 0)
      await outbox.endWaits(until, await history.lookUp(until, awaiting.map(keyOfDispatch)))
    return settlements.map(({ next }, i) => next.kind === 'failed' && !isLate[i])
  }

  return {
    allShards,
    claim,
    settle,

    async begin(until: number, marks: readonly Begun[]): Promise<readonly boolean[]> {
      const isHeld = new Map<Begun, boolean>()
      const { hot = [], cold: notices = [] } = Object.groupBy(marks, (one) => (isCold(one) ? 'cold' : 'hot'))
      const note = (some: readonly Begun[], held: readonly boolean[]) => {
        for (const [i, one] of some.entries()) isHeld.set(one, held[i]!)
      }
      await Promise.all([
        notices.length > 0 && cold.outbox.begin(notices).then((held) => note(notices, held)),
        hot.length > 0 && outbox.begin(until, hot).then((held) => note(hot, held)),
      ])
      return marks.map((one) => isHeld.get(one)!)
    },

    async postpone(until: number, entries: Postponed, afterMs: number): Promise<void> {
      const { hot = [], cold: notices = [] } = Object.groupBy(entries, (one) =>
        isCold(one) ? 'cold' : 'hot',
      )
      await Promise.all([
        notices.length > 0 ? cold.outbox.postpone(notices, afterMs) : undefined,
        hot.length > 0 ? outbox.postpone(until, hot, afterMs) : undefined,
      ])
    },

    async release(until: number, owner: string): Promise<void> {
      await Promise.all([cold.outbox.release(owner), outbox.release(until, owner)])
    },

    async depth(until: number, now: Promise<number>) {
      const [notices, codes] = await Promise.all([
        cold.outbox.depth(),
        now.then((time) => outbox.depth(until, time)),
      ])
      return { queued: notices.queued + codes.queued, oldestMs: Math.max(notices.oldestMs, codes.oldestMs) }
    },

    async receive(until: number, receipts: Parameters<Dispatches['receive']>[0]) {
      await beforeOtherEvents(until)
      const { results, standing } = await history.receive(until, receipts)
      await outbox.endWaits(until, standing)
      const isUnknown = (at: number) => results[at]!.kind === 'unknown'
      const early = receipts.filter((_, at) => isUnknown(at))
      if (early.length === 0 || !(await waiting.move(until, allShards))) return results
      const again = await history.receive(until, early)
      await outbox.endWaits(until, again.standing)
      const found = again.results.values()
      return results.map((one, at) => (isUnknown(at) ? found.next().value! : one))
    },

    /** All dispatches of a verification. */
    async of(until: number, verification: string) {
      await waiting.moveOf(until, verification)
      return cold.dispatches.of(verification)
    },
  }
}

function keyOfDispatch({ verification, dispatch, nth }: Settlement) {
  return { verification, messageId: dispatch.messageId, nth }
}
