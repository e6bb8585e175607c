/** Polls Redis for due messages, in shards where some may be due and in a few others by turns. No shard waits for another. */

import type { AppError } from '../../errors.ts'
import type { Channel } from '../../message/channel.ts'
import type { NewMessage } from '../../message/message.ts'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import type { History } from '../history.ts'
import type { Lease } from '../outbox.ts'
import { type Arrivals, allWithin } from './arrivals.ts'
import type { Calls } from './calls.ts'
import type { Layout } from './layout.ts'
import { parseRecord, verificationOf } from './records.ts'
import { type SettledEntry, settleCall } from './settle-call.ts'

export type RedisClaims = ReturnType<typeof redisClaims>

type EntryState = {
  readonly verification: string
  readonly deadlineAt: number
  readonly dispatches: number
  readonly tried?: readonly string[]
  readonly unknowns: number
  /** The number of the last claim that was settled. */
  readonly settled?: number
  readonly second?: Channel
  readonly handing?: string
}

/**
 * A poll without a hint reads so many shards, and the next poll the ones after them. With a poll each 250 ms the messages of
 * a process that died are found within a second, and a thousand processes do not all read all shards.
 */
const shardsALook = 16
/** The longest wait for a shard. The messages of the others have a minute at most. */
const waitMs = 200

/** The name of a message in its shard. */
export function entryOf({ queuedAt, messageId }: { queuedAt: number; messageId: string }): string {
  return `${queuedAt}:${messageId}`
}

export function redisClaims(calls: Calls, layout: Layout, history: Pick<History, 'lookUp'>) {
  /** When messages that this process settled are due again, by `performance.now()`, by shard. */
  const dueAt = new Map<number, number>()
  let turn = 0

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
    // There may be more messages, or this clock was a little ahead, or another process's lease will run out.
    if (claimed.length === most) noteDue(shard, 0)
    else if (firstAt > now) noteDue(shard, firstAt - now)
    if (left.length === 0) return claimed
    const { ended, tellable } = await endedOf(shard, left)
    return claimed
      .filter((one) => !ended.has(one))
      .map((one) => (tellable.has(one) ? withoutBegun(one) : one))
  }

  /**
   * Of messages whose last claim was not settled here, finds those whose dispatch is in the history all the same: their
   * owner could not reach Redis any more. If they ended, they leave the queue now and are not sent again.
   * @returns Besides them those that are recorded as not taken: their begun hand-over is known to have ended.
   */
  async function endedOf(shard: number, left: readonly OutboxEntry[]) {
    const until = performance.now() + waitMs / 2
    const lastOf = ({ verification, message, nth }: OutboxEntry) => ({
      verification: verification!.id,
      messageId: message.id,
      nth: nth - 1,
    })
    // If the history cannot be read, they count as not ended: better sent twice than not at all.
    const kept = await history.lookUp(until, left.map(lastOf)).catch(() => [])
    const endOf = new Map(kept.filter(({ next }) => next !== 'retry').map((one) => [one.messageId, one]))
    const ended = left.filter(({ message }) => endOf.has(message.id))
    const retried = new Set(kept.filter(({ next }) => next === 'retry').map(({ messageId }) => messageId))
    const tellable = new Set(left.filter(({ message }) => retried.has(message.id)))
    if (ended.length === 0) return { ended: new Set<OutboxEntry>(), tellable }
    const told = ended.map(({ queuedAt, message, verification, nth }): SettledEntry => {
      const { next, outcome, nth: failedBy } = endOf.get(message.id)!
      return {
        entry: entryOf({ queuedAt, messageId: message.id }),
        nth,
        failedBy,
        next: next === 'failed' ? 'failed' : 'done',
        outcome,
        provider: '',
        verification: verification!.id,
        frees: message.cooldown,
        at: queuedAt,
      }
    })
    // If this fails, the messages come back here when their leases run out.
    await calls.call(settleCall(layout, shard, until, told)).catch(() => undefined)
    return { ended: new Set(ended), tellable }
  }

  /** When the first message of a shard is due, in engine time; undefined: it has none. */
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
    noteDue,

    /**
     * Adds claimed messages to `arrivals`, also those that come after it has ended.
     * @returns The error of a shard that failed or did not answer in time, if there is one; the others are claimed anyway.
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
      for (let free = most; free > 0 && due.length > 0 && performance.now() + waitMs < until; ) {
        const now = due.slice(0, free)
        for (const { shard } of due.slice(free)) noteDue(shard, 0)
        const full: typeof due = []
        due = full
        let count = 0
        const claims = now.map(async (one, i) => {
          const share = Math.floor(free / now.length) + (i < free % now.length ? 1 : 0)
          const entries = await claimIn(performance.now() + waitMs, one.shard, one.firstAt, share, lease)
          arrivals.add(lease.owner, entries)
          count += entries.length
          if (entries.length === share) full.push(one)
        })
        failure = (await allWithin(waitMs, claims)) ?? failure
        free -= count
      }
      return failure
    },
  }
}

function claimedOf(now: number, entry: string, body: string, state: EntryState, record: string): OutboxEntry {
  const message = JSON.parse(body) as NewMessage
  const { verification, deadlineAt, dispatches, tried = [], unknowns, second, handing } = state
  return {
    message: second === undefined ? message : { ...message, channel: second },
    // Missing only if Redis lost a part of its data. Then no code can be derived, and the message ends unsent.
    verification:
      record === ''
        ? lostVerification(verification, message, deadlineAt)
        : verificationOf(parseRecord(record)),
    queuedAt: Number(entry.slice(0, entry.indexOf(':'))),
    deadlineAt,
    remainingMs: deadlineAt - now,
    nth: dispatches,
    tried,
    unknowns,
    ...(handing !== undefined && { begun: handing }),
    isSecond: second !== undefined,
  }
}

function withoutBegun({ begun: _, ...entry }: OutboxEntry): OutboxEntry {
  return entry
}

function lostVerification(id: string, { tenant, app }: NewMessage, expiresAt: number) {
  const parts = { tenant, app, member: '', address: '', purpose: 'new-contact', keyId: '' } as const
  const life = { state: 'dead', issuedAt: expiresAt, expiresAt, submissions: 0, usedAt: null } as const
  return { id, ...parts, digits: 6, ...life, isTest: false }
}
