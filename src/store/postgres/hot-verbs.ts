/** The verbs that come by the thousand: what each needs to see, and what it decides over what is held. */

import type { NewMessage } from '../../message/message.ts'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import {
  keysOfReservation,
  type ReservationResult,
  type SettledReservation,
} from '../../throttle/reservation.ts'
import { type Take, type Taking, takesWith, takingsOf } from '../../throttle/take.ts'
import type { JournalEntry } from '../journal.ts'
import type { Ledgers } from '../ledgers.ts'
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

const needTakes = (needs: Needs, takes: readonly Pick<Take, 'key' | 'decoyKey'>[]) => {
  for (const { key, decoyKey } of takes) {
    needs.ledgers.add(key)
    // Which of the two is known only when the verification is read.
    if (decoyKey !== undefined) needs.ledgers.add(decoyKey)
  }
}

export const hotVerbs = {
  issue: verb(
    (needs, request: IssueRequest) => {
      needTakes(needs, request.takes)
      needs.live(request.key)
    },
    ({ now, ledgers, verifications, outbox }, request): IssueResult => {
      const throttled = ledgers.take(request.takes, now)
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
      needTakes(needs, request.counted)
      needTakes(needs, request.wrong)
      needs.liveOrDecoy(request.key)
      if (request.repeat !== undefined) needs.repeats.add(request.repeat)
    },
    ({ now, ledgers, verifications }, request): SubmissionResult => {
      if (request.repeat !== undefined && verifications.hasRepeat(request.repeat)) return { kind: 'repeated' }
      const row = verifications.live(request.key, now)
      const wrongTakes = takesWith(request.wrong, row !== undefined)
      const throttled = ledgers.take([...request.counted, ...wrongTakes], now)
      if (throttled.kind === 'throttled') {
        if (row && throttled.scopes.some((scope) => scope === 'member-address' || scope === 'member'))
          verifications.change(row.id, { state: stateNumber.spent })
        return throttled
      }
      const wrong = takingsOf(wrongTakes, now)
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
      needTakes(needs, request.wrong)
    },
    (held, request): Used | undefined => {
      const { now, ledgers, verifications } = held
      const row = verifications.usable(request.id, now)
      if (!row) return undefined
      if (request.consumes) verifications.change(row.id, { state: stateNumber.used })
      ledgers.giveBack(request.wrong)
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
        if (next.kind === 'failed') for (const key of message.cooldown) needs.ledgers.add(key)
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

  take: verb(
    (needs, takes: readonly Take[]) => needTakes(needs, takes),
    ({ now, ledgers }, takes): Awaited<ReturnType<Ledgers['take']>> => {
      const result = ledgers.take(takes, now)
      return result.kind === 'taken' ? { kind: 'taken', takings: takingsOf(takes, now) } : result
    },
  ),

  giveBack: verb(
    (needs, takings: readonly Taking[]) => needTakes(needs, takings),
    ({ ledgers }, takings): void => ledgers.giveBack(takings),
  ),

  reserve: verb(
    (needs, takes: readonly Take[]) => {
      for (const key of keysOfReservation(takes)) needs.ledgers.add(key)
    },
    ({ now, ledgers }, takes): ReservationResult => ledgers.reserve(takes, now),
  ),

  settleReservation: verb(
    (needs, { reservation, emptied }: SettledReservation) => {
      for (const key of [...keysOfReservation(reservation.takes), ...emptied]) needs.ledgers.add(key)
    },
    ({ now, ledgers }, settled): void => ledgers.settle(settled, now),
  ),

  isHeld: verb(
    (needs, key: string) => void needs.ledgers.add(key),
    ({ now, ledgers }, key): boolean => ledgers.isHeld(key, now),
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
