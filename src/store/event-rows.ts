/** Rows of events as engines with tables read them: those of other types without their facts. */

import { eventRows } from './bounds.ts'
import type { AppEvent, EventPage, EventQuery } from './events.ts'

/** A row that was looked through; without `facts` if its type is not asked for. */
export type ReadEventRow = Pick<AppEvent, 'id' | 'type' | 'tenant' | 'verification' | 'at'> & {
  readonly facts: AppEvent['facts'] | null
}

/** How many rows to look through for a page: of all types no more than it has, and one to see whether there are more. */
export function rowsOfPage({ types, max }: EventQuery): number {
  return types === null ? Math.min(max + 1, eventRows) : eventRows
}

/** @param rows  The next `rowsOfPage` of the app, or all that there are. */
export function eventPageOf(query: EventQuery, rows: readonly ReadEventRow[]): EventPage {
  const { app, max } = query
  const events: AppEvent[] = []
  for (const { facts, ...row } of rows) {
    if (facts === null) continue
    if (events.length === max) return { events, last: events.at(-1)!.id, isMore: true }
    events.push({ ...row, app, facts })
  }
  return { events, last: rows.at(-1)?.id ?? null, isMore: rows.length === rowsOfPage(query) }
}
