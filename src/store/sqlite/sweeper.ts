/** Sweeps in pieces so small that no call waits long behind one, however much is stored. */

import type { DatabaseSync } from 'node:sqlite'
import { formerContactsKeptMs } from '../../directory/contact-history.ts'
import { eventsKeptMs, lagsMs, receiptsLagMs, sweptRows } from '../bounds.ts'
import { idAt, openStates, stateNumber } from '../numbering.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { tellExpired } from '../verbs/tell.ts'
import { type Row, storedOf } from './rows.ts'
import { decoyId } from './verifications.ts'

/** The plus keeps SQLite from using the index of all live rows instead of these few rows. */
const isOpen = `+state in (${openStates})`

const afterAllText = '\u{10ffff}'

/**
 * @param wallNow  The clock that ids are made by.
 * @param readers  Of events. Only while there are any is it found out which verifications expire.
 * @returns A function that does one piece within the engine's transaction, and returns whether the next one is due at once.
 */
export function sqliteSweeper(
  db: DatabaseSync,
  now: () => number,
  wallNow: () => number,
  readers: { readonly events: UnitOfWork['events']; readonly isEmpty: () => boolean },
) {
  const selectExpired = db.prepare(
    `select * from verification where id > ? and id <= ? and ${isOpen} and expires_at <= ?`,
  )
  function tellExpiredOf(start: string, end: string, at: number): void {
    if (readers.isEmpty()) return
    for (const row of selectExpired.all(start, end, at) as Row[]) tellExpired(readers, storedOf(row))
  }

  const sweepPages = [
    pageSweeper(db, 'ledger', 'key', 'forgotten_at'),
    pageSweeper(db, 'repeat', 'fingerprint', 'expires_at'),
    pageSweeper(db, 'once', 'key', 'expires_at'),
    pageSweeper(db, 'login_proof', 'member', 'expires_at'),
    pageSweeper(db, 'token', 'hash', 'expires_at'),
    pageSweeper(db, 'consumption', 'thing', 'expires_at'),
  ]
  const passes = [
    ...lagsMs.map((lagMs) => ({
      lagMs,
      run: pass(
        db,
        `expired-${lagMs}`,
        'verification',
        'id',
        `update verification set state = ${stateNumber.expired} where id > ? and id <= ? and ${isOpen} and expires_at <= ?`,
        tellExpiredOf,
      ),
    })),
    {
      lagMs: receiptsLagMs,
      run: pass(
        db,
        'receipts',
        'dispatch',
        'about',
        // No condition on the time is needed, because the pass itself stays behind it.
        'update dispatch set receipt_key = null where about > ? and about <= ? and +receipt_key is not null and ? > 0',
      ),
    },
  ]
  const purgeVerifications = db.prepare(
    `delete from verification where id in
       (select id from verification where id > '${decoyId}' and id < ? order by id limit ${sweptRows})`,
  )
  const purgeDispatches = db.prepare(
    `delete from dispatch where (about, message, nth) in
       (select about, message, nth from dispatch where about < ? and outcome <> '' order by about limit ${sweptRows})`,
  )
  const purgeJournal = db.prepare(
    `delete from journal where at < ? and seq in (select seq from journal order by seq limit ${sweptRows})`,
  )
  const purgeFormer = db.prepare(
    `delete from former_member where id in
       (select id from former_member where deleted_at < ? order by deleted_at limit ${sweptRows})`,
  )
  const purgeFormerContacts = db.prepare(
    `delete from former_contact where rowid in (
       select rowid from former_contact where changed_at < ? order by changed_at limit ${sweptRows})`,
  )
  const purgeEvents = db.prepare(
    `delete from event where id in (select id from event where id < ? order by id limit ${sweptRows})`,
  )
  const purgeDeliveries = db.prepare(
    `delete from webhook_delivery where seq in (
       select seq from webhook_delivery where event < ? order by event limit ${sweptRows})`,
  )

  return (retentionMs: number): boolean => {
    const at = now()
    const wall = wallNow()
    let isDue = false
    for (const sweepPage of sweepPages) if (sweepPage(at)) isDue = true
    for (const { lagMs, run } of passes) if (run(idAt(wall - lagMs), at)) isDue = true
    if (purgeVerifications.run(idAt(wall - retentionMs)).changes === sweptRows) isDue = true
    if (purgeDispatches.run(idAt(wall - retentionMs)).changes === sweptRows) isDue = true
    if (purgeJournal.run(at - retentionMs).changes === sweptRows) isDue = true
    if (purgeFormer.run(at - retentionMs).changes === sweptRows) isDue = true
    if (purgeFormerContacts.run(at - formerContactsKeptMs).changes === sweptRows) isDue = true
    for (const purge of [purgeEvents, purgeDeliveries])
      if (purge.run(idAt(wall - eventsKeptMs)).changes === sweptRows) isDue = true
    return isDue
  }
}

/** Goes round a table whose key is not ordered by time, page by page, and faster while many rows have expired. */
function pageSweeper(db: DatabaseSync, table: string, key: string, endsAt: string) {
  const endOfPage = db.prepare(
    `select ${key} as last from ${table} where ${key} > ? order by ${key} limit 1 offset ${sweptRows - 1}`,
  )
  const remove = db.prepare(`delete from ${table} where ${key} > ? and ${key} <= ? and ${endsAt} <= ?`)
  let cursor = ''
  return (at: number): boolean => {
    const last = endOfPage.get(cursor)?.last as string | undefined
    const { changes } = remove.run(cursor, last ?? afterAllText, at)
    cursor = last ?? ''
    // With this bound at most about a quarter of a table is expired rows.
    return Number(changes) * 4 >= sweptRows
  }
}

/**
 * Goes through a table once, in the order of time: expired verifications leave the index of live ones, and dispatches the
 * index of awaited receipts. Its position is kept in the store, because a start that read ten million rows again delayed
 * every call for 24 s.
 * @param change  A statement with the first id (exclusive), the last (inclusive) and the time as parameters.
 * @param before  Called with the same, before.
 */
function pass(
  db: DatabaseSync,
  name: string,
  table: string,
  key: string,
  change: string,
  before: (start: string, end: string, at: number) => void = () => undefined,
) {
  const reached = db.prepare('select value from meta where name = ?')
  const keep = db.prepare('insert into meta values (?, ?) on conflict do update set value = excluded.value')
  const endOfPage = db.prepare(
    `select ${key} as id from ${table} where ${key} > ? and ${key} < ? order by ${key} limit 1 offset ${sweptRows - 1}`,
  )
  const run = db.prepare(change)
  return (until: string, at: number): boolean => {
    const start = (reached.get(name)?.value as string | undefined) ?? decoyId
    const end = endOfPage.get(start, until)?.id as string | undefined
    before(start, end ?? until, at)
    run.run(start, end ?? until, at)
    // It also moves back if the clock was set back, because ids are made by that clock.
    keep.run(name, end ?? until)
    return end !== undefined
  }
}
