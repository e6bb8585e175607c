/** Sweeps in pieces so small that no call waits long behind one. Of many processes, one does it at a time. */

import { formerContactsKeptMs } from '../../directory/contact-history.ts'
import { eventsKeptMs, lagsMs, receiptsLagMs, sweptRows } from '../bounds.ts'
import { idAt, openStates, stateNumber } from '../numbering.ts'
import { tellExpired } from '../verbs/tell.ts'
import { heldEvents } from './events.ts'
import { storedOf, type VerificationRow } from './rows.ts'
import { bind, engineTime, sql } from './statement.ts'
import type { Transactions } from './transaction.ts'
import { decoyPrefix } from './verification-rows.ts'

/** How long decoy rows stay, which ended processes have left. */
const decoyLifeMs = 86_400_000
const afterDecoys = `${decoyPrefix}g`
const firstId = decoyPrefix.slice(0, -1)
const afterAllText = '\u{10ffff}'
const sweepLock = 7_261_953_105

/** The lock ends with the transaction, also behind a pooler. */
const tryLock = bind(sql(`select to_json(pg_try_advisory_xact_lock(${sweepLock}))`))

/** Rows that a call has locked are left for the next round. So a sweep waits for nobody, and there is no circle of waits. */
const skipping = 'for update skip locked'

/** Goes round a table whose key is not ordered by time, page by page, and faster while many rows have expired. */
function pageOf(table: string, key: string, endsAt: string) {
  return {
    end: sql(`
      select to_json(${key}) from ${table} where ${key} > $1 order by ${key} limit 1 offset ${sweptRows - 1}`),
    remove: sql(`
      delete from ${table} where ctid = any (array(
        select ctid from ${table} where ${key} > $1 and ${key} <= $2 and ${endsAt} <= $3::bigint ${skipping}))
      returning to_json(true)`),
  }
}

/** The changed rows of apps whose events are read, `null` for each other one. */
const returningRead = `
  returning case when app in (select json_array_elements_text($3::json)) then to_json(verification) end`

/**
 * Goes through a table once, in the order of time: expired verifications leave the index of live ones, and dispatches the
 * index of awaited receipts. Its position is kept in the store.
 */
function passOf(
  name: string,
  lagMs: number,
  table: string,
  key: string,
  set: string,
  isDue: string,
  hasEvents = false,
) {
  return {
    name,
    lagMs,
    hasEvents,
    /** The position, and the end of this piece if the table goes on after it. */
    reach: sql(`
      select json_build_array(start.${key}, (
        select ${key} from ${table} where ${key} > start.${key} and ${key} < $2
        order by ${key} limit 1 offset ${sweptRows - 1}))
      from (select coalesce((select value from meta where name = $1), '${afterDecoys}') as ${key}) start`),
    run: sql(`
      update ${table} set ${set} where ctid = any (array(
        select ctid from ${table} where ${key} > $1 and ${key} <= $2 and ${isDue} ${skipping}))
      ${hasEvents ? returningRead : ''}`),
  }
}

const pages = [
  pageOf('ledger', 'key', 'forgotten_at'),
  pageOf('repeat', 'fingerprint', 'expires_at'),
  pageOf('once', 'key', 'expires_at'),
  pageOf('login_proof', 'member', 'expires_at'),
  // Of processes of the first versions, which may run beside this one.
  pageOf('proof', 'member', 'expires_at'),
  pageOf('token', 'hash', 'expires_at'),
  pageOf('consumption', 'thing', 'expires_at'),
]

const passes = [
  ...lagsMs.map((lagMs) =>
    passOf(
      `expired-${lagMs}`,
      lagMs,
      'verification',
      'id',
      `state = ${stateNumber.expired}`,
      `state in (${openStates}) and expires_at <= ${engineTime}`,
      true,
    ),
  ),
  passOf('receipts', receiptsLagMs, 'dispatch', 'about', 'receipt_key = null', 'receipt_key is not null'),
]

const reached = sql('select to_json(value) from meta where name = $1')
const keep = sql(`
  insert into meta (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value`)

/** The condition on the id comes last, so that rows are found by the key alone, the oldest first. */
const purgeVerifications = sql(`
  delete from verification where ctid = any (array(
    select ctid from verification where id > '${afterDecoys}' and id < $1 order by id limit ${sweptRows} ${skipping}))
  returning to_json(true)`)
const purgeDecoys = sql(`
  delete from verification where ctid = any (array(
    select ctid from verification where id > '${firstId}' and id < '${afterDecoys}' and issued_at < $1::bigint
    ${skipping}))`)
const purgeDispatches = sql(`
  delete from dispatch where ctid = any (array(
    select ctid from dispatch where about < $1 order by about limit ${sweptRows} ${skipping}))
  returning to_json(true)`)
const purgeJournal = sql(`
  delete from journal where ctid = any (array(
    select ctid from (select ctid, at from journal order by seq limit ${sweptRows}) oldest where at < $1::bigint))
  returning to_json(true)`)
const purgeFormer = sql(`
  delete from former_member where ctid = any (array(
    select ctid from former_member where deleted_at < $1::bigint order by deleted_at limit ${sweptRows} ${skipping}))
  returning to_json(true)`)
const purgeFormerContacts = sql(`
  delete from former_contact where ctid = any (array(
    select ctid from former_contact where changed_at < $1::bigint order by changed_at limit ${sweptRows} ${skipping}))
  returning to_json(true)`)
const purgeEvents = sql(`
  delete from event where ctid = any (array(
    select ctid from event where id < $1 order by id limit ${sweptRows}))
  returning to_json(true)`)
const purgeDeliveries = sql(`
  delete from webhook_delivery where ctid = any (array(
    select ctid from webhook_delivery where event < $1 order by event limit ${sweptRows} ${skipping}))
  returning to_json(true)`)

/** While one process sweeps, the others rest for so long after each of its pieces. */
const restMs = 500

/**
 * A piece takes at most four messages, because each waits for the one before, and the server may be far away.
 * @param sweeper  The name of this process among those that sweep.
 * @returns A function that does one piece, and returns whether the next one is due at once.
 */
export function postgresSweeper(transactions: Transactions, untilOf: () => number, sweeper: string) {
  const cursors = pages.map(() => '')

  return (retentionMs: number): Promise<boolean> =>
    transactions.decide(
      untilOf(),
      [tryLock, bind(reached, 'swept')],
      async ([locked, swept], { now, run }) => {
        const [last, lastBy] = ((swept![0] as string | undefined) ?? '0 ').split(' ')
        const isResting = lastBy !== sweeper && Math.abs(now - Number(last)) < restMs
        if (locked![0] !== true || isResting) return { writes: [], result: false }

        const readers = transactions.readers()
        const beforeOf = (pass: { lagMs: number }) => idAt(now - pass.lagMs)
        const found = await run(
          ...pages.map((page, i) => bind(page.end, cursors[i]!)),
          ...passes.map((pass) => bind(pass.reach, pass.name, beforeOf(pass))),
        )
        const ends = pages.map((_, i) => found[i]![0] as string | undefined)
        const reaches = passes.map((_, i) => found[pages.length + i]![0] as [string, string | null])
        const purges = [
          bind(purgeVerifications, idAt(now - retentionMs)),
          bind(purgeDispatches, idAt(now - retentionMs)),
          bind(purgeJournal, now - retentionMs),
          bind(purgeFormer, now - retentionMs),
          bind(purgeFormerContacts, now - formerContactsKeptMs),
          bind(purgeEvents, idAt(now - eventsKeptMs)),
          bind(purgeDeliveries, idAt(now - eventsKeptMs)),
        ]
        const done = await run(
          ...pages.map((page, i) => bind(page.remove, cursors[i]!, ends[i] ?? afterAllText, now)),
          ...purges,
          ...passes.flatMap((pass, i) => {
            const [start, end] = reaches[i]!
            // It also moves back if the clock was set back, because ids are made by that clock.
            const to = end ?? beforeOf(pass)
            const read = pass.hasEvents ? [JSON.stringify([...readers])] : []
            return [bind(pass.run, start, to, ...read), bind(keep, pass.name, to)]
          }),
        )
        const events = heldEvents(now, readers)
        for (const [i, pass] of passes.entries())
          if (pass.hasEvents)
            for (const row of done[pages.length + purges.length + 2 * i]!)
              if (row !== null) tellExpired(events, storedOf(row as VerificationRow))
        for (const [i, end] of ends.entries()) cursors[i] = end ?? ''
        const isDue =
          // With this bound at most about a quarter of a table is expired rows.
          pages.some((_, i) => done[i]!.length * 4 >= sweptRows) ||
          purges.some((_, i) => done[pages.length + i]!.length === sweptRows) ||
          reaches.some(([, end]) => end !== null)
        return {
          writes: [
            bind(purgeDecoys, now - decoyLifeMs),
            bind(keep, 'swept', `${now} ${sweeper}`),
            ...events.writes(),
          ],
          result: isDue,
        }
      },
    )
}
