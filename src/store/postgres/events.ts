/** Events in PostgreSQL, in the order of their transactions, so that none that commits late comes before one that was read. */

import { eventPageOf, type ReadEventRow, rowsOfPage } from '../event-rows.ts'
import { type AppEvent, type EventPage, type EventQuery, newEventId } from '../events.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'

/** `on conflict`: events of a faster store may be moved here twice. */
const insertEvents = sql(`
  insert into event (id, type, tenant, app, verification, at, facts)
  select id, type, tenant, app, verification, at, facts
  from json_to_recordset($1::json)
    as r (id text, type text, tenant text, app text, verification text, at bigint, facts json)
  on conflict (id) do nothing`)

/**
 * Every transaction with a smaller number has ended, so no more events with such a number can appear. A transaction that
 * stays open anywhere on the server, also in another database, holds the feed up until it ends.
 */
export const settledBefore = 'pg_snapshot_xmin(pg_current_snapshot())::text::bigint'

const selectStart = sql(`select to_json(true) from event where id = $1 and app = $2`)

const selectPage = sql(`
  select json_build_object('id', e.id, 'type', e.type, 'tenant', e.tenant, 'verification', e.verification, 'at', e.at,
    'facts', case when $3::json is null or e.type in (select json_array_elements_text($3::json)) then e.facts end)
  from (
    select tx, seq from event where id = $1 and app = $2
    union all select -1, 0 where $1 is null) start
  cross join lateral (
    select * from event one
    where one.app = $2 and (one.tx, one.seq) > (start.tx, start.seq) and one.tx < ${settledBefore}
    order by one.tx, one.seq limit $4::integer) e
  order by e.tx, e.seq`)

const selectSome = sql(`
  select json_build_object('id', e.id, 'type', e.type, 'tenant', e.tenant, 'app', e.app,
    'verification', e.verification, 'at', e.at, 'facts', e.facts)
  from json_array_elements_text($2::json) as wanted (id) join event e on e.id = wanted.id and e.app = $1`)

const selectHeads = sql(`
  select json_build_array(wanted.app, (
    select e.id from event e where e.app = wanted.app and e.tx < ${settledBefore}
    order by e.tx desc, e.seq desc limit 1))
  from json_array_elements_text($1::json) as wanted (app)`)

/**
 * Whether the newest events seem to be of transactions that this server has not begun yet: they come from a backup of
 * another one, or by a move, and would stay unread until it comes to those numbers.
 */
export const hasForeignEvents = sql(`
  select to_json(exists (
    select from (select tx from event order by id desc limit 1000) newest
    where tx >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint))`)

/** Puts all events before those of any transaction, in the order that they have. For when nobody writes. */
export const orderAnew = sql(`
  update event e set tx = 0, seq = ordered.nth
  from (select id, row_number() over (order by tx, seq) as nth from event) ordered
  where e.id = ordered.id`)

/** @param readers  The apps whose events are written. */
export function heldEvents(now: number, readers: ReadonlySet<string>) {
  const added: AppEvent[] = []
  const events: UnitOfWork['events'] = {
    areRead: (app) => readers.has(app),
    add: (event) => void added.push({ id: newEventId(now), at: now, ...event }),
  }
  return { events, writes: (): Bound[] => (added.length > 0 ? [addEvents(added)] : []) }
}

/** Adds events, each once however often it is called. */
function addEvents(events: readonly AppEvent[]): Bound {
  return bindRows(insertEvents, events)
}

/** The number of our advisory lock, among those of others in the same database. */
const publishLock = 7_261_953_106
const lock = bind(sql(`select from pg_advisory_xact_lock(${publishLock})`))

/**
 * Adds events of a faster store. Of two processes that publish the same ones and more, the second waits before it gets the
 * number of its transaction: otherwise what it alone has might come before what both have.
 */
export function publishEvents(events: readonly AppEvent[]): readonly Bound[] {
  return [lock, addEvents(events)]
}

export async function readEvents(
  transactions: Transactions,
  until: number,
  query: EventQuery,
): Promise<EventPage | undefined> {
  const { app, after, types } = query
  const [started, rows] = await transactions.read(
    until,
    bind(selectStart, after, app),
    bind(selectPage, after, app, types && JSON.stringify(types), rowsOfPage(query)),
  )
  if (after !== null && started!.length === 0) return undefined
  return eventPageOf(query, rows as readonly ReadEventRow[])
}

export async function findEvents(
  transactions: Transactions,
  until: number,
  app: string,
  ids: readonly string[],
): Promise<readonly AppEvent[]> {
  return (await transactions.read(until, bind(selectSome, app, JSON.stringify(ids))))[0] as AppEvent[]
}

export async function eventHeads(
  transactions: Transactions,
  until: number,
  apps: readonly string[],
): Promise<readonly (string | null)[]> {
  const [rows] = await transactions.read(until, bind(selectHeads, JSON.stringify(apps)))
  const heads = new Map(rows as readonly [string, string | null][])
  return apps.map((app) => heads.get(app) ?? null)
}
