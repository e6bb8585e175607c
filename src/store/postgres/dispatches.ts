/** Dispatches in PostgreSQL: written as a message is settled, moved up by receipts, read as a history and as tallies. */

import type { DispatchOutcome, Price } from '../../message/dispatch.ts'
import { receiptRank, receiptStates } from '../../message/receipt-state.ts'
import { tallyRows } from '../bounds.ts'
import type { ProviderReceipt, ReceiptResult, RecordedDispatch, Tally, TallyPage } from '../dispatches.ts'
import type { StandingReceipt } from '../history.ts'
import { idAt } from '../numbering.ts'
import type { Settlement } from '../outbox.ts'
import { storable, storableJson } from '../storable.ts'
import type { Used } from '../verifications.ts'
import { inOrder } from './order.ts'
import { type Bound, bind, bindRows, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'

const columns = `about, message, nth, tenant, app, channel, provider, region, outcome, provider_code, provider_id,
  receipt_key, queued_at, handed_at, answered_at, segments, price, next`
const rowType = `(about text, message text, nth integer, tenant text, app text, channel text, provider text,
  region text, outcome text, provider_code text, provider_id text, receipt_key text, queued_at bigint,
  handed_at bigint, answered_at bigint, segments integer, price json, next text, is_late boolean)`

const insertDispatches = sql(`
  insert into dispatch (${columns}, is_late)
  select * from json_to_recordset($1::json) as r ${rowType}
  on conflict do nothing
  returning json_build_object('message', message, 'nth', nth)`)

/**
 * What ends with its dispatch leaves the outbox in the statement that records it, unread: whoever does not find
 * the message any more comes late. Locked and read before, a send took PostgreSQL 66 µs and not 62.
 * `not in`, as that is looked up by hash whatever the planner may not do.
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
 * A provider that reuses its ids means its newest message. Locked in the order of the primary key, then the
 * messages that wait in theirs.
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
  update dispatch d set receipt_state = r.state, receipt_at = r.at, receipt_code = r.code,
    segments = r.segments, price = r.price
  from json_to_recordset($1::json) as r (about text, message text, nth integer, state integer, at bigint,
    code text, segments integer, price json)
  where d.about = r.about and d.message = r.message and d.nth = r.nth`)

/** Only what nobody is handing over right now. */
const lockWaits = sql(`
  select to_json(true) from json_to_recordset($1::json) as r (queued_at bigint, message text)
    join outbox o on o.queued_at = r.queued_at and o.message_id = r.message
  where o.second is not null and o.owner = ''
  order by o.queued_at, o.message_id for update of o`)
const endWaits = sql(`
  delete from outbox o using json_to_recordset($1::json) as r (queued_at bigint, message text)
  where o.queued_at = r.queued_at and o.message_id = r.message and o.second is not null and o.owner = ''`)
const hasten = sql(`
  update outbox o set due_at = r.at
  from json_to_recordset($1::json) as r (queued_at bigint, message text, at bigint)
  where o.queued_at = r.queued_at and o.message_id = r.message and o.second is not null and o.owner = ''
    and o.due_at > r.at`)

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

type DispatchRow = {
  about: string
  message: string
  nth: number
  channel: string
  provider: string
  region: string
  outcome: DispatchOutcome
  provider_code: string
  provider_id: string
  receipt_key: string | null
  queued_at: number
  handed_at: number
  answered_at: number
  segments: number | null
  price: Price | null
  next: string
  is_late: boolean
  receipt_state: number | null
  receipt_at: number | null
  receipt_code: string | null
}

export type HeldDispatches = ReturnType<typeof heldDispatches>

export function readLastAccepted(verifications: ReadonlySet<string>): Bound {
  return bind(selectLastAccepted, storableJson([...verifications]))
}

export function heldDispatches(accepted: readonly unknown[]) {
  const lastAccepted = new Map(
    (accepted as readonly (NonNullable<Used['broughtBy']> & { about: string })[]).map(
      ({ about, ...broughtBy }) => [about, broughtBy],
    ),
  )
  const recorded: Record<string, unknown>[] = []
  const ended: Record<string, unknown>[] = []
  return {
    lastAccepted: (verification: string): Used['broughtBy'] => lastAccepted.get(verification) ?? null,

    /** @param endsMessage  It leaves the outbox by this, unless it has already: then this is late too. */
    record(settlement: Settlement, isLate: boolean, endsMessage: boolean): void {
      const { dispatch, message, region, verification, queuedAt, nth, next } = settlement
      const rows = endsMessage ? ended : recorded
      rows.push({
        about: verification === '' ? idAt(queuedAt) + dispatch.messageId : verification,
        message: dispatch.messageId,
        nth,
        tenant: message.tenant,
        app: message.app,
        channel: message.channel,
        provider: dispatch.provider,
        region,
        outcome: dispatch.outcome,
        provider_code: dispatch.providerCode ?? '',
        provider_id: dispatch.providerMessageId ?? '',
        receipt_key: dispatch.receiptKey ?? null,
        queued_at: queuedAt,
        handed_at: Math.floor(dispatch.handedOverAt),
        answered_at: Math.floor(dispatch.handedOverAt + dispatch.tookMs),
        segments: dispatch.segments ?? null,
        price: dispatch.price ?? null,
        next: next.kind,
        is_late: isLate,
      })
    },

    writes(): Bound[] {
      return [
        ...(ended.length > 0 ? [bindRows(endAndInsert, inOrder(ended, orderOf))] : []),
        ...(recorded.length > 0 ? [bindRows(insertDispatches, inOrder(recorded, orderOf))] : []),
      ]
    },
  }
}

/** As the outbox is locked, for it is with these. */
function orderOf({ queued_at, message, nth }: Record<string, unknown>): string {
  return `${String(queued_at).padStart(15, '0')} ${message} ${nth}`
}

export async function receive(
  transactions: Transactions,
  until: number,
  told: readonly ProviderReceipt[],
): Promise<{ readonly results: readonly ReceiptResult[]; readonly standing: readonly StandingReceipt[] }> {
  const receipts = told.map((one) => ({ ...one, key: storable(one.key) }))
  const keys = receipts.map(({ provider, key }) => ({ provider, key }))
  return transactions.decide(until, [bindRows(selectAwaiting, keys)], async ([rows], { now, run }) => {
    const awaiting = new Map(
      (rows as DispatchRow[]).map((row) => [JSON.stringify([row.provider, row.receipt_key]), row]),
    )
    const moved = new Map<DispatchRow, object>()
    const standing: StandingReceipt[] = []
    const ended: { queued_at: number; message: string }[] = []
    const hastened: { queued_at: number; message: string; at: number }[] = []
    const results = receipts.map((receipt): ReceiptResult => {
      const row = awaiting.get(JSON.stringify([receipt.provider, receipt.key]))
      if (!row) return { kind: 'unknown' }
      const rank = receiptRank(receipt.state)
      const isNews = row.receipt_state === null || rank > row.receipt_state
      const price = isNews && row.price === null ? (receipt.price ?? null) : null
      if (isNews) {
        row.receipt_state = rank
        row.segments = receipt.segments ?? row.segments
        row.price = receipt.price ?? row.price
        const { about, message, nth, queued_at, segments } = row
        moved.set(row, {
          about,
          message,
          nth,
          state: rank,
          at: now,
          code: receipt.providerCode,
          segments,
          price: row.price,
        })
        if (receipt.state === 'delivered') ended.push({ queued_at, message })
        if (receipt.state === 'undeliverable') hastened.push({ queued_at, message, at: now })
      }
      // Told again too: what follows from it elsewhere may have failed the first time.
      if (rank === row.receipt_state)
        standing.push({
          verification: row.about,
          messageId: row.message,
          queuedAt: row.queued_at,
          state: receipt.state,
        })
      const { channel, region, answered_at } = row
      const sinceAcceptedMs = Math.max(0, now - answered_at)
      return { kind: 'recorded', isNews, channel, region, sinceAcceptedMs, price }
    })
    const waits = [...ended, ...hastened]
    if (waits.length > 0) await run(bindRows(lockWaits, waits))
    const writes = [
      ...(moved.size > 0 ? [bindRows(moveUp, [...moved.values()])] : []),
      ...(hastened.length > 0 ? [bindRows(hasten, hastened)] : []),
      ...(ended.length > 0 ? [bindRows(endWaits, ended)] : []),
    ]
    return { writes, result: { results, standing } }
  })
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

function recordedOf(row: DispatchRow): RecordedDispatch {
  return {
    message: row.message,
    nth: row.nth,
    channel: row.channel,
    provider: row.provider,
    region: row.region,
    outcome: row.outcome,
    providerCode: row.provider_code,
    providerMessageId: row.provider_id,
    queuedAt: row.queued_at,
    handedOverAt: row.handed_at,
    answeredAt: row.answered_at,
    segments: row.segments,
    price: row.price,
    next: row.next,
    isLate: row.is_late,
    receipt:
      row.receipt_state === null
        ? null
        : {
            state: receiptStates[row.receipt_state]!,
            at: row.receipt_at!,
            providerCode: row.receipt_code!,
          },
  }
}
