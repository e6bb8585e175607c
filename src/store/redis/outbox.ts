/** Messages of codes in Redis: each shard has its own. */

import { secondOf } from '../../message/second.ts'
import { partitionOfId } from '../../verification/verification.ts'
import type { KeptDispatch } from '../history.ts'
import type { Begun, OutboxDepth, Settlement } from '../outbox.ts'
import type { Calls } from './calls.ts'
import { entryOf } from './claim-due.ts'
import type { RedisClaims } from './claims.ts'
import type { Layout } from './layout.ts'
import { type SettledEntry, settleCall } from './settle-call.ts'
import { waitingDispatch } from './waiting-dispatches.ts'

export type RedisOutbox = ReturnType<typeof redisOutbox>

type Ending = Pick<KeptDispatch, 'verification' | 'messageId' | 'queuedAt' | 'state'>

export function redisOutbox(calls: Calls, layout: Layout, { noteDue, claim }: RedisClaims) {
  const shardOf = (verification: string) => layout.shardOf(partitionOfId(verification))

  return {
    claim,

    /** @returns For each whether another owner had settled it before. */
    async settle(until: number, settlements: readonly Settlement[]): Promise<readonly boolean[]> {
      // Matched by position, because the same message may be settled twice in one call.
      const lates: boolean[] = []
      const groups = Map.groupBy(settlements.entries(), ([, { verification }]) => shardOf(verification))
      await Promise.all(
        [...groups].map(async ([shard, some]) => {
          const [, , ...late] = await calls.call(
            settleCall(
              layout,
              shard,
              until,
              some.map(([, one]) => wireOf(one)),
            ),
          )
          for (const [i, [place, { next }]] of some.entries()) {
            lates[place] = late[i] === 1
            if ('afterMs' in next) noteDue(shard, next.afterMs)
          }
        }),
      )
      return lates
    },

    async begin(until: number, marks: readonly Begun[]): Promise<readonly boolean[]> {
      const isHeld = new Map<Begun, boolean>()
      const groups = Map.groupBy(marks, ({ verification }) => shardOf(verification))
      await Promise.all(
        [...groups].map(async ([shard, some]) => {
          const wires = some.map((one) => ({
            entry: entryOf(one),
            nth: one.nth,
            provider: one.provider,
          }))
          const keys = [layout.of[shard]!.entries]
          const [, , ...held] = await calls.call({
            name: 'begin',
            shard,
            keys,
            args: [JSON.stringify(wires)],
            until,
          })
          for (const [i, one] of some.entries()) isHeld.set(one, held[i] === 1)
        }),
      )
      return marks.map((one) => isHeld.get(one)!)
    },

    async postpone(
      until: number,
      messages: readonly { messageId: string; queuedAt: number; verification: string }[],
      afterMs: number,
    ): Promise<void> {
      const groups = Map.groupBy(messages, ({ verification }) => shardOf(verification))
      await Promise.all(
        [...groups].map(async ([shard, some]) => {
          const { entries, due } = layout.of[shard]!
          const args = [JSON.stringify(some.map(entryOf)), afterMs]
          await calls.call({ name: 'postpone', shard, keys: [entries, due], args, until })
          noteDue(shard, afterMs)
        }),
      )
    },

    async release(until: number, owner: string): Promise<void> {
      await Promise.all(
        layout.of.map(async ({ entries, due }, shard) => {
          for (let cursor = '0'; ; ) {
            const call = {
              name: 'release',
              shard,
              keys: [entries, due],
              args: [owner, cursor],
              until,
            } as const
            cursor = String((await calls.call(call))[2])
            if (cursor === '0') break
          }
          noteDue(shard, 0)
        }),
      )
    },

    /** Ends waits for a second channel, after receipts. */
    async endWaits(until: number, dispatches: readonly Ending[]): Promise<void> {
      const ending = dispatches.filter(({ state }) => state === 'delivered' || state === 'undeliverable')
      const groups = Map.groupBy(ending, ({ verification }) => shardOf(verification))
      await Promise.all(
        [...groups].map(async ([shard, some]) => {
          const { bodies, entries, due, records } = layout.of[shard]!
          const waits = some.map(({ state, ...one }) => ({
            entry: entryOf(one),
            isDelivered: state === 'delivered',
          }))
          await calls.call({
            name: 'end_waits',
            shard,
            keys: [bodies, entries, due, records],
            args: [JSON.stringify(waits)],
            until,
          })
          noteDue(shard, 0)
        }),
      )
    },

    async depth(until: number, now: number): Promise<OutboxDepth> {
      const depths = await Promise.all(
        layout.of.map(async ({ waiting }) => {
          const [queued, oldest] = await Promise.all([
            calls.command(until, 'ZCARD', waiting),
            calls.command(until, 'ZRANGE', waiting, 0, 0, 'WITHSCORES'),
          ])
          const since = (oldest as string[])[1]
          return {
            queued: queued as number,
            oldestMs: since === undefined ? 0 : Math.max(0, now - Number(since)),
          }
        }),
      )
      return {
        queued: depths.reduce((sum, one) => sum + one.queued, 0),
        oldestMs: Math.max(...depths.map((one) => one.oldestMs)),
      }
    },
  }
}

function wireOf(settlement: Settlement): SettledEntry {
  const { dispatch, message, region, verification, queuedAt, nth, next, told } = settlement
  const { messageId, provider, outcome, handedOverAt, tookMs } = dispatch
  const accepted = {
    provider,
    channel: message.channel,
    region,
    acceptedAt: Math.floor(handedOverAt + tookMs),
  }
  return {
    entry: `${queuedAt}:${messageId}`,
    nth,
    next: next.kind,
    ...('afterMs' in next && { afterMs: Math.ceil(next.afterMs) }),
    ...(next.kind === 'second' && { channel: secondOf(next) }),
    provider,
    outcome,
    verification,
    ...(next.kind === 'failed' && { frees: message.cooldown, at: queuedAt }),
    ...(outcome === 'accepted' && { accepted }),
    dispatch: waitingDispatch(settlement),
    isTold: told !== undefined,
  }
}
