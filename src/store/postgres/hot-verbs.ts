/** The verbs that come by the thousand: what each needs to see, and what it decides over what is held. */

import type { NewMessage } from '../../message/message.ts'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import { type Hit, hitsOf, type Limit, limitsWith } from '../../throttle/acquire.ts'
import {
  keysOfReservation,
  type ReservationResult,
  type SettledReservation,
} from '../../throttle/reservation.ts'
import type { JournalEntry } from '../journal.ts'
import type { Limiters } from '../limiters.ts'
import { stateNumber } from '../numbering.ts'
import type { Begun, Lease, Settlement } from '../outbox.ts'
import type {
  IssueRequest,
  IssueResult,
  SubmissionRequest,
  SubmissionResult,
  Used,
  UseRequest,
} from '../verifications.ts'
import type { Held, Needs } from './held.ts'
import { type EntryKey, readsEntry } from './outbox.ts'
import { type VerificationRow, verificationOf } from './rows.ts'

/** Runs to the end within a batch, and nothing comes between: it reads what is held and changes that. */
export type HotVerb<Args extends readonly never[] = never[], Result = unknown> = {
  needs(needs: Needs, ...args: Args): void
  decide(held: Held, ...args: Args): Result
}

const verb = <Args extends unknown[], Result>(
  needs: (needs: Needs, ...args: Args) => void,
  decide: (held: Held, ...args: Args) => Result,
) => ({ needs, decide })

const needLimits = (needs: Needs, limits: readonly Pick<Limit, 'key' | 'decoyKey'>[]) => {
  for (const { key, decoyKey } of limits) {
    needs.limiters.add(key)
    // Which of the two is known only when the verification is read.
    if (decoyKey !== undefined) needs.limiters.add(decoyKey)
  }
}

export const hotVerbs = {
  issue: verb(
    (needs, request: IssueRequest) => {
      needLimits(needs, request.limits)
      needs.live(request.key)
    },
    ({ now, limiters, verifications, outbox }, request): IssueResult => {
      const throttled = limiters.acquire(request.limits, now)
      if (throttled.kind === 'throttled') return throttled
      const alive = verifications.live(request.key, now)
      const row = alive ?? newRow(request, now)
      if (!alive) verifications.add(row)
      const record = verificationOf(row)
      const { message, lease } = request
      const entry = message && outbox.put(message, lease, record)
      return { kind: alive ? 'live' : 'issued', record, ...(entry && { entry }) }
    },
  ),

  takeSubmission: verb(
    (needs, request: SubmissionRequest) => {
      needLimits(needs, request.counted)
      needLimits(needs, request.wrong)
      needs.liveOrDecoy(request.key)
      if (request.repeat !== undefined) needs.repeats.add(request.repeat)
    },
    ({ now, limiters, verifications }, request): SubmissionResult => {
      if (request.repeat !== undefined && verifications.hasRepeat(request.repeat)) return { kind: 'repeated' }
      const row = verifications.live(request.key, now)
      const wrongLimits = limitsWith(request.wrong, row !== undefined)
      const throttled = limiters.acquire([...request.counted, ...wrongLimits], now)
      if (throttled.kind === 'throttled') {
        if (row && throttled.scopes.some((scope) => scope === 'member-address' || scope === 'member'))
          verifications.change(row.id, { state: stateNumber.spent })
        return throttled
      }
      const wrong = hitsOf(wrongLimits, now)
      if (!row) {
        verifications.countDecoy(now)
        return { kind: 'taken', record: undefined, now, wrong }
      }
      if (row.submissions >= request.maxSubmissions) {
        verifications.change(row.id, { state: stateNumber.spent })
        return { kind: 'taken', record: verificationOf(row), now, wrong }
      }
      verifications.change(row.id, { submissions: row.submissions + 1 })
      return { kind: 'taken', record: verificationOf(row), now, wrong }
    },
  ),

  use: verb(
    (needs, request: UseRequest) => {
      needs.ids.add(request.id)
      needs.acceptances.add(request.id)
      needLimits(needs, request.wrong)
    },
    (held, request): Used | undefined => {
      const { now, limiters, verifications } = held
      const row = verifications.usable(request.id, now)
      if (!row) return undefined
      if (request.consumes) verifications.change(row.id, { state: stateNumber.used })
      limiters.refund(request.wrong)
      const { proof } = request
      if (proof)
        verifications.putProof({ member: row.member, login: proof.login, expires_at: now + proof.lastsMs })
      if (request.repeat !== undefined) verifications.putRepeat(request.repeat, row.expires_at)
      return markUsed(held, row)
    },
  ),

  queue: verb(
    (_needs, _messages: readonly NewMessage[], _lease: Lease) => undefined,
    ({ outbox }, messages, lease): readonly OutboxEntry[] =>
      messages.map((message) => outbox.put(message, lease)),
  ),

  settle: verb(
    (needs, settlements: readonly Settlement[]) => {
      for (const settlement of settlements) {
        const { dispatch, queuedAt, message, next } = settlement
        if (readsEntry(settlement)) needs.entry({ queuedAt, messageId: dispatch.messageId })
        if (next.kind === 'failed') for (const key of message.cooldown) needs.limiters.add(key)
      }
    },
    ({ outbox }, settlements): readonly boolean[] => settlements.map((one) => outbox.settleOne(one)),
  ),

  begin: verb(
    (needs, marks: readonly Begun[]) => {
      for (const { queuedAt, messageId } of marks) needs.entry({ queuedAt, messageId })
    },
    ({ outbox }, marks): readonly boolean[] => marks.map((mark) => outbox.begin(mark)),
  ),

  postpone: verb(
    (needs, entries: readonly EntryKey[], _afterMs: number) => {
      for (const { queuedAt, messageId } of entries) needs.entry({ queuedAt, messageId })
    },
    ({ outbox }, entries, afterMs): void => {
      for (const entry of entries) outbox.postpone(entry, afterMs)
    },
  ),

  acquire: verb(
    (needs, limits: readonly Limit[]) => needLimits(needs, limits),
    ({ now, limiters }, limits): Awaited<ReturnType<Limiters['acquire']>> => {
      const result = limiters.acquire(limits, now)
      return result.kind === 'acquired' ? { kind: 'acquired', hits: hitsOf(limits, now) } : result
    },
  ),

  refund: verb(
    (needs, hits: readonly Hit[]) => needLimits(needs, hits),
    ({ limiters }, hits): void => limiters.refund(hits),
  ),

  reserve: verb(
    (needs, limits: readonly Limit[]) => {
      for (const key of keysOfReservation(limits)) needs.limiters.add(key)
    },
    ({ now, limiters }, limits): ReservationResult => limiters.reserve(limits, now),
  ),

  settleReservation: verb(
    (needs, { reservation, emptied }: SettledReservation) => {
      for (const key of [...keysOfReservation(reservation.limits), ...emptied]) needs.limiters.add(key)
    },
    ({ now, limiters }, settled): void => limiters.settle(settled, now),
  ),

  isHeld: verb(
    (needs, key: string) => void needs.limiters.add(key),
    ({ now, limiters }, key): boolean => limiters.isHeld(key, now),
  ),

  append: verb(
    (_needs, _entry: Omit<JournalEntry, 'at'>) => undefined,
    ({ journal }, entry): void => journal.append(entry),
  ),
} as const

/** The use of a row as it is told, which also notes when its code was first entered right. */
export function markUsed({ now, verifications, dispatches }: Held, row: VerificationRow): Used {
  const isFirst = row.used_at === null
  if (isFirst) verifications.change(row.id, { used_at: now })
  return { isFirst, issuedAt: row.issued_at, usedAt: now, broughtBy: dispatches.lastAccepted(row.id) }
}

function newRow({ id, key, keyId, digits, lifetimeMs, isTest }: IssueRequest, now: number): VerificationRow {
  const { tenant, app, member, address, purpose } = key
  return {
    id,
    tenant,
    app,
    member,
    address,
    purpose,
    key_id: keyId,
    digits,
    state: stateNumber.live,
    issued_at: now,
    expires_at: now + lifetimeMs,
    submissions: 0,
    is_test: isTest,
    used_at: null,
  }
}
