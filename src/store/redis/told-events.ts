/** Events as the functions keep them: what happened, with the record as it was. They become what the verbs would add. */

import { hash } from 'node:crypto'
import type { AppEvent, EventType, NewEvent } from '../events.ts'
import type { Settlement } from '../outbox.ts'
import { storedDispatchOf } from '../stored-dispatch.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { tell, tellCreated, tellDispatch, tellExpired, tellSpent, tellUsed } from '../verbs/tell.ts'
import { type RedisRecord, storedOf } from './records.ts'

/** As functions/events.lua and functions/record.lua write it. */
type ToldEvent = { readonly id: string; readonly at: number; readonly type: EventType } & (
  | { readonly event: NewEvent }
  | { readonly record: RedisRecord; readonly reason?: string }
  /** As `waitingDispatch` makes it. */
  | { readonly dispatch: Settlement }
)

type Unit = Pick<UnitOfWork, 'events'>

export function eventsIn(text: string): readonly AppEvent[] {
  const told = JSON.parse(text) as ToldEvent
  return collected(told.id, told.at, (unit) => {
    if ('event' in told) unit.events.add(told.event)
    else if ('dispatch' in told) tellOfDispatch(unit, told.type, told.dispatch)
    else tellOfRecord(unit, told.type, told.record, told.reason)
  })
}

function tellOfDispatch(unit: Unit, type: EventType, settlement: Settlement): void {
  const dispatch = storedDispatchOf(settlement)
  if (type === 'verification.undeliverable')
    tellDispatch(unit, type, dispatch, { outcome: settlement.dispatch.outcome })
  else tellDispatch(unit, 'verification.sent', dispatch)
}

function tellOfRecord(unit: Unit, type: EventType, record: RedisRecord, reason: string | undefined): void {
  const stored = storedOf(record)
  if (type === 'verification.created') tellCreated(unit, stored)
  else if (type === 'verification.expired') tellExpired(unit, stored)
  else if (type === 'verification.spent') tellSpent(unit, stored)
  else if (type === 'verification.used') tellUsed(unit, stored, record.broughtBy ?? null)
  else tell(unit, type, stored, reason === undefined ? {} : { reason })
}

/** That a verification has expired. Its event has the id that functions/record.lua gives it too, so that it is there once. */
export function expiredEvents(record: RedisRecord): readonly AppEvent[] {
  const { id, expiresAt } = record
  const eventId = idOf(expiresAt, `${id}expired`)
  return collected(eventId, expiresAt, (unit) => tellExpired(unit, storedOf(record)))
}

/** The acceptances of settlements, for when the functions cannot tell them. */
export function sentEvents(settlements: readonly Settlement[]): readonly AppEvent[] {
  return settlements.flatMap((one) => {
    const { outcome, handedOverAt, tookMs } = one.dispatch
    if (outcome !== 'accepted') return []
    return collected('', Math.floor(handedOverAt + tookMs), (unit) =>
      tellOfDispatch(unit, 'verification.sent', one),
    )
  })
}

/** @param id  Of the first event that states none; those after it have ids that follow from it. */
function collected(id: string, at: number, add: (unit: Unit) => void): readonly AppEvent[] {
  const events: AppEvent[] = []
  add({
    events: {
      areRead: () => true,
      add: (event) => {
        const ofItsOwn = events.length === 0 ? id : idOf(at, `${id}${events.length}`)
        events.push({ id: ofItsOwn, at, ...event })
      },
    },
  })
  return events
}

function idOf(time: number, name: string): string {
  return time.toString(16).padStart(12, '0') + hash('sha1', name).slice(0, 32)
}
