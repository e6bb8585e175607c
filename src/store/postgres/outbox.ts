/** The outbox in PostgreSQL: leases in one column, claims that pass over what others hold, settled by batches. */

import type { Channel } from '../../message/channel.ts'
import type { NewMessage } from '../../message/message.ts'
import { isUntaken, newOutboxEntry, type OutboxEntry } from '../../message/outbox-entry.ts'
import { type OpenLimiters, refundAll } from '../../throttle/open-limiters.ts'
import type { Verification } from '../../verification/verification.ts'
import type { Begun, Lease, OutboxDepth, Settlement } from '../outbox.ts'
import type { HeldDispatches } from './dispatches.ts'
import { type VerificationRow, verificationOf } from './rows.ts'
import { type Bound, bind, bindRows, engineTime, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'

export type EntryKey = { readonly queuedAt: number; readonly messageId: string }

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
 * Passes over rows that another claim holds at this moment, so that claims never wait for each other and none
 * gets what another got. The time is asked once, for an index is not looked up by what changes meanwhile.
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

type OutboxRow = {
  queued_at: number
  message_id: string
  body: NewMessage
  deadline_at: number
  due_at: number
  owner: string
  dispatches: number
  tried: readonly string[]
  unknowns: number
  second: Channel | null
  handing: string | null
}
type Kept = Pick<
  OutboxRow,
  'queued_at' | 'message_id' | 'due_at' | 'owner' | 'dispatches' | 'tried' | 'unknowns' | 'second' | 'handing'
> & { fate: 'untouched' | 'changed' | 'gone' }

export type HeldOutbox = ReturnType<typeof heldOutbox>

export function readEntries(keys: Iterable<EntryKey>): Bound {
  return bindRows(selectEntries, [...keys])
}

export function entryKey({ queuedAt, messageId }: EntryKey): string {
  return `${queuedAt} ${messageId}`
}

/** Whether what becomes of a message hangs on what the outbox says of it. */
export function readsEntry({ next }: Settlement): boolean {
  return next.kind !== 'done'
}

export function heldOutbox(
  rows: readonly unknown[],
  now: number,
  limiters: OpenLimiters,
  dispatches: HeldDispatches,
) {
  const held = new Map<string, Kept>()
  for (const row of rows as readonly Kept[])
    held.set(entryKey({ queuedAt: row.queued_at, messageId: row.message_id }), { ...row, fate: 'untouched' })
  const ended = new Set<string>()
  const queued: object[] = []

  function put(message: NewMessage, claim: Lease, verification?: Verification): OutboxEntry {
    const entry = newOutboxEntry(message, now, verification)
    queued.push({
      queued_at: now,
      message_id: message.id,
      verification: verification?.id ?? null,
      body: message,
      deadline_at: entry.deadlineAt,
      due_at: now + claim.ms,
      owner: claim.owner,
    })
    return entry
  }

  /** @returns Whether the message was given up by it. */
  function settleOne(settlement: Settlement): boolean {
    const { dispatch, next, message, queuedAt } = settlement
    const key = entryKey({ queuedAt, messageId: dispatch.messageId })
    const kept = held.get(key)
    // Of several in one batch the first ends it.
    const endsUnread = kept === undefined && !readsEntry(settlement) && !ended.has(key)
    if (endsUnread) ended.add(key)
    // One that failed and was claimed since: what becomes of it is for them to say who have it now.
    const isOvertaken = next.kind === 'failed' && kept !== undefined && kept.dispatches > settlement.nth
    const isLate = !endsUnread && (kept === undefined || kept.fate === 'gone' || isOvertaken)
    if (kept && !isLate) {
      if (next.kind === 'retry' || next.kind === 'second') {
        giveUp(kept, next.afterMs)
        kept.tried = [...kept.tried, dispatch.provider]
        if (next.kind === 'second') kept.second = next.channel
        else kept.unknowns += Number(dispatch.outcome === 'unknown')
      } else {
        kept.fate = 'gone'
        const { dispatches: nth, tried, unknowns, second } = kept
        const entry = { nth, tried, unknowns, isSecond: second !== null }
        if (next.kind === 'failed' && isUntaken(entry, dispatch.outcome))
          // Nothing reached the address, so asking again at once is fair.
          refundAll(
            limiters,
            message.cooldown.map((key) => ({ key, form: 'events', at: queuedAt })),
          )
      }
    }
    dispatches.record(settlement, isLate, endsUnread)
    return next.kind === 'failed' && !isLate
  }

  /** Nobody holds it any more, and it is due after so long. */
  function giveUp(kept: Kept, afterMs: number): void {
    kept.fate = 'changed'
    kept.due_at = now + afterMs
    kept.owner = ''
    kept.handing = null
  }

  return {
    put,
    settleOne,

    begin({ provider, nth, ...key }: Begun): boolean {
      const kept = held.get(entryKey(key))
      if (!kept || kept.fate === 'gone' || kept.dispatches !== nth) return false
      kept.fate = 'changed'
      kept.handing = provider
      return true
    },

    postpone(key: EntryKey, afterMs: number): void {
      const kept = held.get(entryKey(key))
      if (!kept || kept.fate === 'gone') return
      giveUp(kept, afterMs)
      kept.dispatches--
    },

    writes(): Bound[] {
      const changed = [...held.values()].filter((one) => one.fate === 'changed')
      const gone = [...held.values()].filter((one) => one.fate === 'gone')
      return [
        ...(changed.length > 0 ? [bindRows(updateEntries, changed)] : []),
        ...(gone.length > 0
          ? [
              bindRows(
                deleteEntries,
                gone.map(({ queued_at, message_id }) => ({ queued_at, message_id })),
              ),
            ]
          : []),
        ...(queued.length > 0 ? [bindRows(insertEntries, queued)] : []),
      ]
    },
  }
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
      message: entry.second === null ? entry.body : { ...entry.body, channel: entry.second },
      ...(verification && { verification: verificationOf(verification) }),
      queuedAt: entry.queued_at,
      deadlineAt: entry.deadline_at,
      remainingMs: entry.deadline_at - now,
      nth: entry.dispatches,
      tried: entry.tried,
      unknowns: entry.unknowns,
      ...(entry.handing !== null && { begun: entry.handing }),
      isSecond: entry.second !== null,
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
