/** Polls Redis for due messages, in shards where some may be due and in a few others by turns. No shard waits for another. */

import type { AppError } from '../../errors.ts'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import type { History } from '../history.ts'
import type { Lease } from '../outbox.ts'
import { allWithin } from './all-within.ts'
import type { Arrivals } from './arrivals.ts'
import type { Calls } from './calls.ts'
import { claimDue } from './claim-due.ts'
import type { Layout } from './layout.ts'
import { stillToSend } from './unsettled-claims.ts'

export type RedisClaims = ReturnType<typeof redisClaims>

/**
 * A poll without a hint reads so many shards, and the next poll the ones after them. With a poll each 250 ms the messages of
 * a process that died are found within a second, and a thousand processes do not all read all shards.
 */
const shardsAPoll = 16
/** The longest wait for a shard. The messages of the others have a minute at most. */
const waitMs = 200

/** A shard, and the engine time at which its first message is due. */
type Due = { readonly shard: number; readonly firstAt: number }

export function redisClaims(calls: Calls, layout: Layout, history: Pick<History, 'lookUp'>) {
  /** When messages that this process settled are due again, by `performance.now()`, by shard. */
  const dueAt = new Map<number, number>()
  let nextShard = 0

  function noteDue(shard: number, afterMs: number): void {
    const at = performance.now() + afterMs
    dueAt.set(shard, Math.min(at, dueAt.get(shard) ?? at))
  }

  function shardsToPoll(): ReadonlySet<number> {
    const time = performance.now()
    const some = new Set<number>()
    for (const [shard, at] of dueAt)
      if (at <= time) {
        some.add(shard)
        dueAt.delete(shard)
      }
    for (let i = 0; i < Math.min(shardsAPoll, layout.shards); i++) some.add((nextShard + i) % layout.shards)
    nextShard = (nextShard + shardsAPoll) % layout.shards
    return some
  }

  async function firstDueOf(shard: number): Promise<Due | undefined> {
    const until = performance.now() + waitMs
    try {
      const { due } = layout.of[shard]!
      const [, firstAt] = (await calls.command(until, 'ZRANGE', due, 0, 0, 'WITHSCORES')) as string[]
      return firstAt === undefined ? undefined : { shard, firstAt: Number(firstAt) }
    } catch (error) {
      noteDue(shard, 0)
      throw error
    }
  }

  async function claimIn(
    { shard, firstAt }: Due,
    max: number,
    lease: Lease,
  ): Promise<readonly OutboxEntry[]> {
    const claimed = await claimDue(calls, layout, performance.now() + waitMs, shard, max, lease)
    const { now, entries, unsettled } = claimed
    // There may be more messages, or this clock was a little ahead, or another process's lease will run out.
    if (entries.length === max) noteDue(shard, 0)
    else if (firstAt > now) noteDue(shard, firstAt - now)
    if (unsettled.length === 0) return entries
    const until = performance.now() + waitMs / 2
    const left = await stillToSend(calls, layout, history, until, shard, unsettled)
    const leftById = new Map(left.map((entry) => [entry.message.id, entry]))
    return entries.flatMap((entry) =>
      unsettled.includes(entry) ? (leftById.get(entry.message.id) ?? []) : entry,
    )
  }

  return {
    noteDue,

    /**
     * Adds claimed messages to `arrivals`, also those that come after it has ended.
     * @returns The error of a shard that failed or did not answer in time, if there is one; the others are claimed anyway.
     */
    async claim(until: number, max: number, lease: Lease, arrivals: Arrivals): Promise<AppError | undefined> {
      let due: Due[] = []
      const polls = [...shardsToPoll()].map(async (shard) => {
        const first = await firstDueOf(shard)
        if (first) due.push(first)
      })
      let failure = await allWithin(waitMs, polls)
      for (let left = max; left > 0 && due.length > 0 && performance.now() + waitMs < until; ) {
        const now = due.slice(0, left)
        for (const { shard } of due.slice(left)) noteDue(shard, 0)
        // Shards that gave all they were asked for may have more.
        const full: Due[] = []
        due = full
        let count = 0
        const claims = now.map(async (one, i) => {
          const share = Math.floor(left / now.length) + (i < left % now.length ? 1 : 0)
          const entries = await claimIn(one, share, lease)
          arrivals.add(lease.owner, entries)
          count += entries.length
          if (entries.length === share) full.push(one)
        })
        failure = (await allWithin(waitMs, claims)) ?? failure
        left -= count
      }
      return failure
    },
  }
}
