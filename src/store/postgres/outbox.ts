/** The outbox in PostgreSQL: leases in a column, claims that skip rows locked by others, settlements in batches. */

import type { NewMessage } from '../../message/message.ts'
import { newOutboxEntry, type OutboxEntry } from '../../message/outbox-entry.ts'
import { claimedBy, type Second } from '../../message/second.ts'
import type { StoredEntry } from '../../message/stored-entry.ts'
import type { EntryKey, Lease, OutboxDepth } from '../outbox.ts'
import { entryKeyOf } from '../stored-dispatch.ts'
import type { ReceiptName, UnitOfWork } from '../unit-of-work.ts'
import type { HeldDispatches } from './dispatches.ts'
import { type VerificationRow, verificationOf } from './rows.ts'
import { type Bound, bind, bindRows, engineTime, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'

const insertEntries = sql(`
  insert into outbox (queued_at, message_id, verification, body, deadline_at, due_at, owner, dispatches, tried, unknowns)
  select queued_at, message_id, verification, body, deadline_at, due_at, owner, 1, '[]', 0
  from json_to_recordset($1::json) as r (queued_at bigint, message_id text, verification text, body json,
    deadline_at bigint, due_at bigint, owner text)`)

const selectEntries = sql(`
  select json_build_object('queued_at', o.queued_at, 'message_id', o.message_id, 'due_at', o.due_at,
    'owner', o.owner, 'dispatches', o.dispatches, 'tried', o.tried, 'unknowns', o.unknowns, 'second', o.second,
    'handing', o.handing)
  from json_to_recordset($1::json) as r ("queuedAt" bigint, "messageId" text)
    join outbox o on o.queued_at = r."queuedAt" and o.message_id = r."messageId"
  order by o.queued_at, o.message_id for update of o`)

/** Locks the messages of the dispatches that receipts are about, if they wait for a receipt. */
const selectWaiting = sql(`
  select json_build_object('queued_at', o.queued_at, 'message_id', o.message_id, 'due_at', o.due_at,
    'owner', o.owner, 'dispatches', o.dispatches, 'tried', o.tried, 'unknowns', o.unknowns, 'second', o.second,
    'handing', o.handing)
  from (
    select distinct newest.queued_at, newest.message
    from json_to_recordset($1::json) as r (provider text, key text)
    cross join lateral (
      select one.queued_at, one.message from dispatch one
      where one.provider = r.provider and one.receipt_key = r.key
      order by one.about desc, one.nth desc limit 1) newest) as wanted
  join outbox o on o.queued_at = wanted.queued_at and o.message_id = wanted.message
  where o.second is not null
  order by o.queued_at, o.message_id for update of o`)

const updateEntries = sql(`
  update outbox o set due_at = r.due_at, owner = r.owner, dispatches = r.dispatches, tried = r.tried,
    unknowns = r.unknowns, second = r.second, handing = r.handing
  from json_to_recordset($1::json) as r (queued_at bigint, message_id text, due_at bigint, owner text,
    dispatches integer, tried json, unknowns integer, second text, handing text)
  where o.queued_at = r.queued_at and o.message_id = r.message_id`)

const deleteEntries = sql(`
  delete from outbox o
  using json_to_recordset($1::json) as r (queued_at bigint, message_id text)
  where o.queued_at = r.queued_at and o.message_id = r.message_id`)

/**
 * Skips rows that another claim has locked at this moment, so that claims never wait for each other and none gets a message
 * of another. The time is read once, because PostgreSQL uses no index for a value that may change during the statement.
 */
const claimDue = sql(`
  with clock as materialized (select ${engineTime} as now),
  due as (
    select queued_at, message_id, due_at from outbox
    where due_at <= (select now from clock)
    order by due_at limit $1::integer for update skip locked)
  update outbox o
    set due_at = (select now from clock) + $2::bigint, owner = $3, dispatches = o.dispatches + 1
  from due where o.queued_at = due.queued_at and o.message_id = due.message_id
  returning json_build_object('entry', to_json(o), 'was_due_at', due.due_at, 'now', (select now from clock),
    'verification', (select to_json(v) from verification v where v.id = o.verification))`)

const releaseOwner = sql(`
  update outbox o set due_at = least(o.due_at, ${engineTime}), owner = ''
  where (o.queued_at, o.message_id) in (
    select queued_at, message_id from outbox where owner = $1 and owner <> ''
    order by queued_at, message_id for update)`)

const selectDepth = sql(`
  select json_build_object('queued', count(*), 'oldest', min(queued_at), 'now', ${engineTime})
  from outbox where second is null`)

type EntryRow = {
  queued_at: number
  message_id: string
  due_at: number
  owner: string
  dispatches: number
  tried: readonly string[]
  unknowns: number
  second: Second | null
  handing: string | null
}
type OutboxRow = EntryRow & { body: NewMessage; deadline_at: number }

/** `entry` is null if the message is gone. */
type HeldEntry = { readonly key: EntryName; entry: StoredEntry | null; isChanged: boolean }
/** The columns of the key, which do not include the verification. */
type EntryName = Omit<EntryKey, 'verification'>

export function readEntries(keys: Iterable<EntryName>): Bound {
  return bindRows(selectEntries, [...keys])
}

/** @param receipts  With keys that can be stored, see `storable`. */
export function readWaiting(receipts: readonly ReceiptName[]): Bound {
  return bindRows(selectWaiting, receipts)
}

export function entryName({ queuedAt, messageId }: EntryName): string {
  return `${queuedAt} ${messageId}`
}

export function heldOutbox(rows: readonly unknown[], now: number, dispatches: HeldDispatches) {
  const held = new Map<string, HeldEntry>()
  for (const row of rows as readonly EntryRow[]) {
    const key = { queuedAt: row.queued_at, messageId: row.message_id }
    held.set(entryName(key), { key, entry: storedEntryOf(row), isChanged: false })
  }
  const ended = new Set<string>()
  const queued: object[] = []

  function set(key: EntryKey, entry: StoredEntry | null): void {
    const one = held.get(entryName(key))!
    one.entry = entry
    one.isChanged = true
  }

  const outbox: UnitOfWork['outbox'] = {
    put(message, lease, verification) {
      const entry = newOutboxEntry(message, now, verification)
      queued.push({
        queued_at: now,
        message_id: message.id,
        verification: verification?.id ?? null,
        body: message,
        deadline_at: entry.deadlineAt,
        due_at: now + lease.ms,
        owner: lease.owner,
      })
      return entry
    },
    get: (key) => held.get(entryName(key))?.entry ?? undefined,
    change: set,
    remove: (key) => set(key, null),
    end(dispatch) {
      const key = entryKeyOf(dispatch)
      const name = entryName(key)
      const one = held.get(name)
      // If a batch has several dispatches of it, the first ends the message.
      if (!one && !ended.has(name)) {
        ended.add(name)
        dispatches.addWithEnd(dispatch)
        return
      }
      const isLate = !one?.entry
      if (!isLate) set(key, null)
      dispatches.add({ ...dispatch, isLate })
    },
    tryAgain(dispatch, entry) {
      set(entryKeyOf(dispatch), entry)
      dispatches.add(dispatch)
    },
  }

  return {
    outbox,
    writes(): Bound[] {
      const changes = [...held.values()].filter((one) => one.isChanged)
      const kept = changes.flatMap(({ key, entry }) => (entry ? [entryRowOf(key, entry)] : []))
      const gone = changes
        .filter(({ entry }) => entry === null)
        .map(({ key }) => ({ queued_at: key.queuedAt, message_id: key.messageId }))
      return [
        ...(kept.length > 0 ? [bindRows(updateEntries, kept)] : []),
        ...(gone.length > 0 ? [bindRows(deleteEntries, gone)] : []),
        ...(queued.length > 0 ? [bindRows(insertEntries, queued)] : []),
      ]
    },
  }
}

function storedEntryOf(row: EntryRow): StoredEntry {
  const { due_at: dueAt, owner, dispatches: claims, tried, unknowns, second, handing: begun } = row
  return { dueAt, owner, claims, tried, unknowns, second, begun }
}

function entryRowOf({ queuedAt, messageId }: EntryName, entry: StoredEntry): EntryRow {
  const { dueAt, owner, claims, tried, unknowns, second, begun } = entry
  const key = { queued_at: queuedAt, message_id: messageId }
  return { ...key, due_at: dueAt, owner, dispatches: claims, tried, unknowns, second, handing: begun }
}

export async function claim(
  transactions: Transactions,
  until: number,
  most: number,
  lease: Lease,
): Promise<readonly OutboxEntry[]> {
  const [rows] = await transactions.write(until, bind(claimDue, most, lease.ms, lease.owner))
  type Claimed = { entry: OutboxRow; was_due_at: number; now: number; verification: VerificationRow | null }
  return (rows as Claimed[])
    .toSorted((a, b) => a.was_due_at - b.was_due_at)
    .map(({ entry, now, verification }) => ({
      ...claimedBy(entry.body, entry.second),
      ...(verification && { verification: verificationOf(verification) }),
      queuedAt: entry.queued_at,
      deadlineAt: entry.deadline_at,
      remainingMs: entry.deadline_at - now,
      nth: entry.dispatches,
      tried: entry.tried,
      unknowns: entry.unknowns,
      ...(entry.handing !== null && { begun: entry.handing }),
    }))
}

export async function release(transactions: Transactions, until: number, owner: string): Promise<void> {
  await transactions.write(until, bind(releaseOwner, owner))
}

export async function depth(transactions: Transactions, until: number): Promise<OutboxDepth> {
  const [rows] = await transactions.read(until, bind(selectDepth))
  const { queued, oldest, now } = rows![0] as { queued: number; oldest: number | null; now: number }
  return { queued, oldestMs: oldest === null ? 0 : Math.max(0, now - oldest) }
}
