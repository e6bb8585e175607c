/** Messages of codes in Redis: each shard has its own, and a look goes where something may be due. */

import type { AppError } from '../../errors.ts'
import { partitionOfId } from '../../verification/verification.ts'
import type { Lease, NewMessage, OutboxDepth, OutboxEntry, Settlement } from '../outbox.ts'
import type { History, KeptDispatch } from '../postgres/history.ts'
import { type Arrivals, allWithin } from './arrivals.ts'
import type { Calls } from './calls.ts'
import type { Layout } from './layout.ts'
import { parseRecord, verificationOf } from './records.ts'

export type RedisOutbox = ReturnType<typeof redisOutbox>

type EntryState = {
  readonly verification: string
  readonly deadlineAt: number
  readonly dispatches: number
  readonly tried?: readonly string[]
  readonly unknowns: number
  /** The last claim that was settled. */
  readonly settled?: number
  readonly second?: NewMessage['channel']
}

type Ending = Pick<KeptDispatch, 'verification' | 'messageId' | 'queuedAt' | 'state'>

/**
 * A look that was not told where goes to so many shards, the next to those after them: with a look each 250 ms
 * what died with another process is found within a second, and a thousand processes do not ask each for all.
 */
const shardsALook = 16
/** A shard that has not answered by then is not waited for: the messages of the others have a minute at most. */
const waitMs = 200

export function redisOutbox(calls: Calls, layout: Layout, history: Pick<History, 'lookUp'>) {
  /** When messages that this process settled are due again, by `performance.now()`, by shard. */
  const dueAt = new Map<number, number>()
  let turn = 0

  const shardOf = (verification: string) => layout.shardOf(partitionOfId(verification))
  const entryOf = ({ queuedAt, messageId }: { queuedAt: number; messageId: string }) =>
    `${queuedAt}:${messageId}`

  function noteDue(shard: number, afterMs: number): void {
    const at = performance.now() + afterMs
    dueAt.set(shard, Math.min(at, dueAt.get(shard) ?? at))
  }

  function shardsToLookAt(): ReadonlySet<number> {
    const time = performance.now()
    const some = new Set<number>()
    for (const [shard, at] of dueAt)
      if (at <= time) {
        some.add(shard)
        dueAt.delete(shard)
      }
    for (let i = 0; i < Math.min(shardsALook, layout.shards); i++) some.add((turn + i) % layout.shards)
    turn = (turn + shardsALook) % layout.shards
    return some
  }

  async function claimIn(
    until: number,
    shard: number,
    firstAt: number,
    most: number,
    lease: Lease,
  ): Promise<readonly OutboxEntry[]> {
    const { bodies, entries, due, records } = layout.of[shard]!
    const [, now, ...rest] = await calls.call({
      name: 'claim',
      shard,
      keys: [bodies, entries, due, records],
      args: [most, lease.owner, lease.ms],
      until,
    })
    const claimed: OutboxEntry[] = []
    const left: OutboxEntry[] = []
    for (let i = 0; i < rest.length; i += 4) {
      const [entry, body, text, record] = rest.slice(i, i + 4) as string[]
      const state = JSON.parse(text!) as EntryState
      const one = claimedOf(now, entry!, body!, state, record!)
      claimed.push(one)
      if ((state.settled ?? 0) < state.dispatches - 1) left.push(one)
    }
    // There may be more; or the clock here was a little ahead, or somebody's lease will run out.
    if (claimed.length === most) noteDue(shard, 0)
    else if (firstAt > now) noteDue(shard, firstAt - now)
    if (left.length === 0) return claimed
    const ended = await endedOf(shard, left)
    return claimed.filter((one) => !ended.has(one))
  }

  /**
   * Of messages whose last claim nobody settled, those that are recorded as ended all the same: who had them could
   * not tell Redis any more. They leave the queue now, and are not sent again.
   */
  async function endedOf(shard: number, left: readonly OutboxEntry[]): Promise<ReadonlySet<OutboxEntry>> {
    const until = performance.now() + waitMs / 2
    const lastOf = ({ verification, message, dispatches }: OutboxEntry) => ({
      verification: verification!.id,
      messageId: message.id,
      nth: dispatches - 1,
    })
    // Not known is not ended: once more, rather than not at all.
    const kept = await history.lookUp(until, left.map(lastOf)).catch(() => [])
    const ids = new Set(kept.filter(({ next }) => next !== 'retry').map(({ messageId }) => messageId))
    const ended = left.filter(({ message }) => ids.has(message.id))
    if (ended.length === 0) return new Set()
    const { bodies, entries, due, waiting, records } = layout.of[shard]!
    const told = ended.map(({ queuedAt, message, verification, dispatches }) => ({
      entry: entryOf({ queuedAt, messageId: message.id }),
      nth: dispatches,
      next: 'done',
      verification: verification!.id,
    }))
    // Should it fail, the lease brings them back here.
    await calls
      .call({
        name: 'settle',
        shard,
        keys: [bodies, entries, due, waiting, records],
        args: [JSON.stringify(told)],
        until,
      })
      .catch(() => undefined)
    return new Set(ended)
  }

  /** When the first message of a shard is due, by its engine; undefined: it has none. */
  async function firstIn(shard: number): Promise<number | undefined> {
    const until = performance.now() + waitMs
    try {
      const { due } = layout.of[shard]!
      const [, firstAt] = (await calls.command(until, 'ZRANGE', due, 0, 0, 'WITHSCORES')) as string[]
      return firstAt === undefined ? undefined : Number(firstAt)
    } catch (error) {
      noteDue(shard, 0)
      throw error
    }
  }

  return {
    /**
     * Adds to `arrivals` what is claimed, also what comes after this has ended.
     * @returns What failed or did not answer in time, if anything: the rest is claimed all the same.
     */
    async claim(
      until: number,
      most: number,
      lease: Lease,
      arrivals: Arrivals,
    ): Promise<AppError | undefined> {
      let due: { shard: number; firstAt: number }[] = []
      const looks = [...shardsToLookAt()].map(async (shard) => {
        const first = await firstIn(shard)
        if (first !== undefined) due.push({ shard, firstAt: first })
      })
      let failure = await allWithin(waitMs, looks)
      for (let room = most; room > 0 && due.length > 0 && performance.now() + waitMs < until; ) {
        const now = due.slice(0, room)
        for (const { shard } of due.slice(room)) noteDue(shard, 0)
        const full: typeof due = []
        due = full
        let count = 0
        const claims = now.map(async (one, i) => {
          const share = Math.floor(room / now.length) + (i < room % now.length ? 1 : 0)
          const entries = await claimIn(performance.now() + waitMs, one.shard, one.firstAt, share, lease)
          arrivals.add(lease.owner, entries)
          count += entries.length
          if (entries.length === share) full.push(one)
        })
        failure = (await allWithin(waitMs, claims)) ?? failure
        room -= count
      }
      return failure
    },

    /** @returns For each whether another owner had settled it before. */
    async settle(until: number, settlements: readonly Settlement[]): Promise<readonly boolean[]> {
      const lates = new Map<Settlement, boolean>()
      const groups = Map.groupBy(settlements, ({ verification }) => shardOf(verification))
      await Promise.all(
        [...groups].map(async ([shard, some]) => {
          const { bodies, entries, due, waiting, records } = layout.of[shard]!
          const [, , ...late] = await calls.call({
            name: 'settle',
            shard,
            keys: [bodies, entries, due, waiting, records],
            args: [JSON.stringify(some.map(wireOf))],
            until,
          })
          for (const [i, settlement] of some.entries()) {
            lates.set(settlement, late[i] === 1)
            const { next } = settlement
            if ('afterMs' in next) noteDue(shard, next.afterMs)
          }
        }),
      )
      return settlements.map((one) => lates.get(one)!)
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

    /** What receipts end: waits for a second channel. */
    async endWaits(until: number, told: readonly Ending[]): Promise<void> {
      const ending = told.filter(({ state }) => state === 'delivered' || state === 'undeliverable')
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

function claimedOf(now: number, entry: string, body: string, state: EntryState, record: string): OutboxEntry {
  const message = JSON.parse(body) as NewMessage
  const { verification, deadlineAt, dispatches, tried = [], unknowns, second } = state
  return {
    message: second === undefined ? message : { ...message, channel: second },
    // Gone only if Redis lost a part of its data: then nothing may be derived from it, and it ends unsent.
    verification:
      record === ''
        ? lostVerification(verification, message, deadlineAt)
        : verificationOf(parseRecord(record)),
    queuedAt: Number(entry.slice(0, entry.indexOf(':'))),
    deadlineAt,
    remainingMs: deadlineAt - now,
    dispatches,
    tried,
    unknowns,
    isSecond: second !== undefined,
  }
}

function lostVerification(id: string, { tenant, app }: NewMessage, expiresAt: number) {
  const parts = { tenant, app, member: '', address: '', purpose: 'new-contact', keyId: '' } as const
  const life = { state: 'dead', issuedAt: expiresAt, expiresAt, submissions: 0, usedAt: null } as const
  return { id, ...parts, digits: 6, ...life, isTest: false }
}

function wireOf({ dispatch, message, region, verification, queuedAt, dispatches, next }: Settlement) {
  const { messageId, provider, outcome, handedOverAt, tookMs } = dispatch
  const accepted = {
    provider,
    channel: message.channel,
    region,
    acceptedAt: Math.floor(handedOverAt + tookMs),
  }
  return {
    entry: `${queuedAt}:${messageId}`,
    nth: dispatches,
    next: next.kind,
    ...('afterMs' in next && { afterMs: Math.ceil(next.afterMs) }),
    ...(next.kind === 'second' && { channel: next.channel }),
    provider,
    isUnknown: outcome === 'unknown',
    verification,
    ...(outcome === 'accepted' && { accepted }),
  }
}
