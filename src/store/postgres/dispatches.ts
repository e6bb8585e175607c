/** Dispatches in PostgreSQL: written when a message is settled, moved up by receipts, read as a history and as tallies. */

import { tallyRows } from '../bounds.ts'
import type { RecordedDispatch, Tally, TallyPage } from '../dispatches.ts'
import { idAt } from '../numbering.ts'
import { storable, storableJson } from '../storable.ts'
import {
  type DispatchRow,
  dispatchOfRow,
  dispatchRowOf,
  recordedOf,
  type StoredDispatch,
} from '../stored-dispatch.ts'
import type { ReceiptName, UnitOfWork } from '../unit-of-work.ts'
import type { Used } from '../verifications.ts'
import { inOrder } from './order.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'

const columns = `about, message, nth, tenant, app, channel, provider, region, outcome, provider_code, provider_id,
  receipt_key, queued_at, handed_at, answered_at, segments, price, next, told`
const rowType = `(about text, message text, nth integer, tenant text, app text, channel text, provider text,
  region text, outcome text, provider_code text, provider_id text, receipt_key text, queued_at bigint,
  handed_at bigint, answered_at bigint, segments integer, price json, next text, told json,
  is_late boolean)`

const insertDispatches = sql(`
  insert into dispatch (${columns}, is_late)
  select * from json_to_recordset($1::json) as r ${rowType}
  on conflict do nothing
  returning json_build_object('message', message, 'nth', nth)`)

/**
 * A message that ends with its dispatch leaves the outbox in the statement that records the dispatch, without being read
 * first. If the message is not there any more, the dispatch is late. With a read under lock before, a send took PostgreSQL
 * 66 µs instead of 62. `not in` is used because PostgreSQL evaluates it by a hash, whatever plans are switched off.
 */
const endAndInsert = sql(`
  with rows as materialized (
    select * from json_to_recordset($1::json) as r ${rowType}),
  gone as (
    delete from outbox o using rows r where o.queued_at = r.queued_at and o.message_id = r.message
    returning o.message_id)
  insert into dispatch (${columns}, is_late)
  select ${columns}, is_late or message not in (select message_id from gone) from rows
  on conflict do nothing`)

/** The last acceptance of each verification so far. */
const selectLastAccepted = sql(`
  select json_build_object('about', d.about, 'provider', d.provider, 'channel', d.channel, 'region', d.region,
    'acceptedAt', d.answered_at)
  from json_array_elements_text($1::json) as wanted (about)
  cross join lateral (
    select * from dispatch one where one.about = wanted.about and one.outcome = 'accepted'
    order by one.answered_at desc limit 1) d`)

/**
 * If a provider reuses its ids, the newest message is meant. Dispatches are locked in the order of the primary key, then
 * the waiting messages in the order of theirs.
 */
const selectAwaiting = sql(`
  select to_json(d)
  from (
    select distinct newest.about, newest.message, newest.nth
    from json_to_recordset($1::json) as r (provider text, key text)
    cross join lateral (
      select one.about, one.message, one.nth from dispatch one
      where one.provider = r.provider and one.receipt_key = r.key
      order by one.about desc, one.nth desc limit 1) newest) as wanted
  join dispatch d on d.about = wanted.about and d.message = wanted.message and d.nth = wanted.nth
  order by d.about, d.message, d.nth for update of d`)

const moveUp = sql(`
  update dispatch d set receipt_state = r.receipt_state, receipt_at = r.receipt_at, receipt_code = r.receipt_code,
    segments = r.segments, price = r.price
  from json_to_recordset($1::json) as r (about text, message text, nth integer, receipt_state integer,
    receipt_at bigint, receipt_code text, segments integer, price json)
  where d.about = r.about and d.message = r.message and d.nth = r.nth`)

const selectOf = sql(`
  select to_json(d) from dispatch d where d.about = $1 order by d.handed_at, d.nth`)

const endOfTally = sql(`
  select to_json(about) from dispatch where about > $1 and about < $2
  order by about limit 1 offset ${tallyRows - 1}`)
const selectTallies = sql(`
  select json_build_object('provider', d.provider, 'region', d.region, 'sent', count(*),
    'used', sum(case when v.used_at is not null and d.answered_at <= v.used_at and not exists (
      select 1 from dispatch later where later.about = d.about and later.outcome = 'accepted'
        and later.answered_at <= v.used_at
        and (later.answered_at, later.message, later.nth) > (d.answered_at, d.message, d.nth))
      then 1 else 0 end))
  from dispatch d join verification v on v.id = d.about
  where d.about > $1 and d.about <= $2 and d.outcome = 'accepted'
  group by d.provider, d.region`)

export type HeldDispatches = ReturnType<typeof heldDispatches>

export function readLastAccepted(verifications: ReadonlySet<string>): Bound {
  return bind(selectLastAccepted, storableJson([...verifications]))
}

/** @param receipts  With keys that can be stored, see `storable`. */
export function readAwaiting(receipts: readonly ReceiptName[]): Bound {
  return bindRows(selectAwaiting, receipts)
}

export function heldDispatches(accepted: readonly unknown[], awaited: readonly unknown[] = []) {
  const lastAccepted = new Map(
    (accepted as readonly (NonNullable<Used['broughtBy']> & { about: string })[]).map(
      ({ about, ...broughtBy }) => [about, broughtBy],
    ),
  )
  const awaiting = new Map<string, StoredDispatch>()
  for (const row of awaited as readonly DispatchRow[])
    awaiting.set(nameOf({ provider: row.provider, key: row.receipt_key! }), dispatchOfRow(row))
  const moved = new Map<string, DispatchRow>()
  const added: DispatchRow[] = []
  const ending: DispatchRow[] = []
  const dispatches: UnitOfWork['dispatches'] = {
    lastAccepted: (verification) => lastAccepted.get(verification) ?? null,
    awaiting: ({ provider, key }) => awaiting.get(nameOf({ provider, key: storable(key) })),
    add: (dispatch) => void added.push(dispatchRowOf(dispatch)),
    change(dispatch, change) {
      const name = nameOf({ provider: dispatch.provider, key: dispatch.receiptKey! })
      const next = { ...dispatch, ...change }
      awaiting.set(name, next)
      moved.set(name, dispatchRowOf(next))
    },
  }
  return {
    ...dispatches,
    dispatches,
    /** Adds a dispatch that ends its message in the outbox. If the message has left already, the dispatch is late. */
    addWithEnd: (dispatch: StoredDispatch) => void ending.push(dispatchRowOf(dispatch)),
    writes: (): Bound[] => [
      ...(moved.size > 0 ? [bindRows(moveUp, [...moved.values()])] : []),
      ...(ending.length > 0 ? [bindRows(endAndInsert, inOrder(ending, orderOf))] : []),
      ...(added.length > 0 ? [bindRows(insertDispatches, inOrder(added, orderOf))] : []),
    ],
  }
}

const nameOf = ({ provider, key }: ReceiptName) => `${provider}\0${key}`

/** The order in which the outbox is locked, because its rows are locked in the same statement. */
function orderOf({ queued_at, message, nth }: DispatchRow): string {
  return `${String(queued_at).padStart(15, '0')} ${message} ${nth}`
}

export async function dispatchesOf(
  transactions: Transactions,
  until: number,
  verification: string,
): Promise<readonly RecordedDispatch[]> {
  const [rows] = await transactions.read(until, bind(selectOf, verification))
  return (rows as DispatchRow[]).map(recordedOf)
}

export async function tally(
  transactions: Transactions,
  until: number,
  cursor: string | number,
  untilMs: number,
): Promise<TallyPage> {
  const from = typeof cursor === 'number' ? idAt(cursor) : cursor
  const last = idAt(untilMs)
  const [ends] = await transactions.read(until, bind(endOfTally, from, last))
  const end = ends![0] as string | undefined
  const [tallies] = await transactions.read(until, bind(selectTallies, from, end ?? last))
  return {
    cursor: end ?? (last > from ? last : from),
    tallies: tallies as Tally[],
    isMoreDue: end !== undefined,
  }
}
