/** Rows of events as engines with tables read them: those of other types without their facts. */

import { eventRows } from './bounds.ts'
import type { AppEvent, EventPage, EventQuery } from './events.ts'

/** A row that was looked through; without `facts` if its type is not asked for. */
export type ReadEventRow = Pick<AppEvent, 'id' | 'type' | 'tenant' | 'verification' | 'at'> & {
  readonly facts: AppEvent['facts'] | null
}

/** @param rows  The next `eventRows` of the app, or all that there are. */
export function eventPageOf({ app, max }: EventQuery, rows: readonly ReadEventRow[]): EventPage {
  const events: AppEvent[] = []
  for (const { facts, ...row } of rows) {
    if (facts === null) continue
    if (events.length === max) return { events, last: events.at(-1)!.id, isMore: true }
    events.push({ ...row, app, facts })
  }
  return { events, last: rows.at(-1)?.id ?? null, isMore: rows.length === eventRows }
}
