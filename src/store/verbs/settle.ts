/** Settles messages after a dispatch: each leaves the outbox or is tried again, and its dispatch is recorded. */

import { isUntaken } from '../../message/outbox-entry.ts'
import { secondOf } from '../../message/second.ts'
import { released, type StoredEntry } from '../../message/stored-entry.ts'
import { refundAll } from '../../throttle/open-limiters.ts'
import type { EntryKey, Settlement } from '../outbox.ts'
import { storedDispatchOf } from '../stored-dispatch.ts'
import type { UnitOfWork, Verb } from '../unit-of-work.ts'
import { tellDispatch } from './tell.ts'

export const settle: Verb<[readonly Settlement[]], readonly boolean[]> = {
  needs(needs, settlements) {
    for (const { dispatch, message, next, ...rest } of settlements) {
      // A message that is done leaves unread: with a read under lock before, a send took PostgreSQL 66 µs instead of 62.
      if (next.kind !== 'done') needs.entry({ ...rest, messageId: dispatch.messageId })
      if (next.kind === 'failed') needs.limiters(message.cooldown)
    }
  },

  decide: (unit, settlements) => settlements.map((one) => settleOne(unit, one)),
}

/** @returns Whether this settlement gave the message up. */
function settleOne(unit: UnitOfWork, settlement: Settlement): boolean {
  const { dispatch, message, next, queuedAt, verification, nth } = settlement
  const record = storedDispatchOf(settlement)
  if (dispatch.outcome === 'accepted') tellDispatch(unit, 'verification.sent', record)
  if (next.kind === 'done') {
    unit.outbox.end(record)
    return false
  }
  const key: EntryKey = { messageId: dispatch.messageId, queuedAt, verification }
  const entry = unit.outbox.get(key)
  if (!entry || isOvertaken(entry, settlement)) {
    unit.dispatches.add({ ...record, isLate: !entry || next.kind === 'failed' })
    return false
  }
  if (next.kind !== 'failed') {
    unit.outbox.tryAgain(record, afterTry(entry, settlement, next, unit.now))
    return false
  }
  const { tried, unknowns, second } = entry
  if (isUntaken({ nth, tried, unknowns, isSecond: second !== null }, dispatch.outcome))
    // Nothing reached the address, so asking again at once is fair.
    refundAll(
      unit.limiters,
      message.cooldown.map((limiter) => ({ key: limiter, form: 'events', at: queuedAt })),
    )
  unit.outbox.end(record)
  if (second === null) tellDispatch(unit, 'verification.undeliverable', record, { outcome: dispatch.outcome })
  return true
}

/**
 * Whether the message was claimed again since, because this lease ran out. Then its present owner decides about it. But a
 * message that was accepted is done, or waits for its second channel, whoever owns it.
 */
function isOvertaken({ claims }: StoredEntry, { nth, next }: Settlement): boolean {
  return (next.kind === 'retry' || next.kind === 'failed') && claims > nth
}

function afterTry(
  entry: StoredEntry,
  { dispatch }: Settlement,
  next: Extract<Settlement['next'], { kind: 'retry' | 'second' }>,
  now: number,
): StoredEntry {
  const tried = [...entry.tried, dispatch.provider]
  const due = { ...released(entry, now + next.afterMs), tried }
  return next.kind === 'second'
    ? { ...due, second: secondOf(next) }
    : { ...due, unknowns: entry.unknowns + Number(dispatch.outcome === 'unknown') }
}
