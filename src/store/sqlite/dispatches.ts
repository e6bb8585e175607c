/** Dispatches in SQLite: written by units of work, read as a history and as tallies. */

import type { DatabaseSync } from 'node:sqlite'
import type { Price } from '../../message/dispatch.ts'
import { receiptRank } from '../../message/receipt-state.ts'
import type { VerificationFacts } from '../../verification/facts.ts'
import { tallyRows } from '../bounds.ts'
import type { RecordedDispatch, Tally, TallyPage } from '../dispatches.ts'
import { idAt } from '../numbering.ts'
import {
  type DispatchRow,
  dispatchOfRow,
  dispatchRowOf,
  recordedOf,
  type StoredDispatch,
} from '../stored-dispatch.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import type { Row } from './rows.ts'

export type SqliteDispatches = UnitOfWork['dispatches'] & {
  /** Turns the row of a claimed message into the record of its dispatch. @returns false if it is not there as claimed. */
  endInPlace(dispatch: StoredDispatch): boolean
}

export function openDispatches(db: DatabaseSync): SqliteDispatches {
  const insert = db.prepare(
    `insert into dispatch (about, message, nth, tenant, app, channel, provider, region, outcome, provider_code,
       provider_id, receipt_key, queued_at, handed_at, answered_at, segments, price, next, is_late, receipt_state,
       receipt_at, receipt_code, told)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict do nothing`,
  )
  // The key is not set: that would write the row and all its indexes anew.
  const endInPlace = db.prepare(
    `update dispatch set channel = ?, provider = ?, region = ?, outcome = ?, provider_code = ?, provider_id = ?,
       receipt_key = ?, handed_at = ?, answered_at = ?, segments = ?, price = ?, next = ?, told = ?, body = null,
       deadline_at = null, due_at = null, owner = null, tried = null, unknowns = null, second = null, handing = null,
       is_due = null
     where about = ? and message = ? and nth = ? and outcome = ''`,
  )
  const selectAwaiting = db.prepare(
    `select * from dispatch where provider = ? and receipt_key = ? order by about desc, nth desc limit 1`,
  )
  const moveUp = db.prepare(
    `update dispatch set receipt_state = ?, receipt_at = ?, receipt_code = ?, segments = ?, price = ?
     where about = ? and message = ? and nth = ?`,
  )
  const selectLastAccepted = db.prepare(
    `select provider, channel, region, answered_at from dispatch
     where about = ? and outcome = 'accepted' order by answered_at desc limit 1`,
  )

  return {
    lastAccepted(verification) {
      const row = selectLastAccepted.get(verification) as Row | undefined
      if (!row) return null
      return {
        provider: row.provider as string,
        channel: row.channel as string,
        region: row.region as string,
        acceptedAt: row.answered_at as number,
      }
    },

    awaiting({ provider, key }) {
      const row = selectAwaiting.get(provider, key) as Row | undefined
      return row && dispatchOfRow(rowOf(row))
    },

    add(dispatch) {
      const row = dispatchRowOf(dispatch)
      insert.run(
        row.about,
        row.message,
        row.nth,
        row.tenant,
        row.app,
        row.channel,
        row.provider,
        row.region,
        row.outcome,
        row.provider_code,
        row.provider_id,
        row.receipt_key,
        row.queued_at,
        row.handed_at,
        row.answered_at,
        row.segments,
        priceText(row.price),
        row.next,
        Number(row.is_late),
        row.receipt_state,
        row.receipt_at,
        row.receipt_code,
        toldText(row.told),
      )
    },

    endInPlace(dispatch) {
      const { changes } = endInPlace.run(
        dispatch.channel,
        dispatch.provider,
        dispatch.region,
        dispatch.outcome,
        dispatch.providerCode,
        dispatch.providerMessageId,
        dispatch.receiptKey,
        dispatch.handedOverAt,
        dispatch.answeredAt,
        dispatch.segments,
        priceText(dispatch.price),
        dispatch.next,
        toldText(dispatch.told),
        dispatch.about,
        dispatch.message,
        dispatch.nth,
      )
      return changes > 0
    },

    change({ about, message, nth }, { receipt, segments, price }) {
      const { state, at, providerCode } = receipt
      moveUp.run(receiptRank(state), at, providerCode, segments, priceText(price), about, message, nth)
    },
  }
}

export function dispatchReads(db: DatabaseSync) {
  const selectOf = db.prepare(
    "select * from dispatch where about = ? and outcome <> '' order by handed_at, nth",
  )
  const endOfPage = db.prepare(
    `select about from dispatch where about > ? and about < ? order by about limit 1 offset ${tallyRows - 1}`,
  )
  const selectTallies = db.prepare(
    `select d.provider, d.region, count(*) as sent,
       sum(v.used_at is not null and d.answered_at <= v.used_at and not exists (
         select 1 from dispatch later where later.about = d.about and later.outcome = 'accepted'
           and later.answered_at <= v.used_at
           and (later.answered_at, later.message, later.nth) > (d.answered_at, d.message, d.nth))) as used
     from dispatch d join verification v on v.id = d.about
     where d.about > ? and d.about <= ? and d.outcome = 'accepted'
     group by d.provider, d.region`,
  )

  return {
    of: (verification: string): readonly RecordedDispatch[] =>
      (selectOf.all(verification) as Row[]).map((row) => recordedOf(rowOf(row))),

    tally(cursor: string | number, untilMs: number): TallyPage {
      const from = typeof cursor === 'number' ? idAt(cursor) : cursor
      const until = idAt(untilMs)
      const end = endOfPage.get(from, until)?.about as string | undefined
      const tallies = selectTallies.all(from, end ?? until) as unknown as Tally[]
      return {
        cursor: end ?? (until > from ? until : from),
        tallies: tallies.map((one) => ({ ...one })),
        isMoreDue: end !== undefined,
      }
    },
  }
}

const toldText = (told: VerificationFacts | null) => (told === null ? null : JSON.stringify(told))
const priceText = (price: Price | null) => (price === null ? null : JSON.stringify(price))

function rowOf(row: Row): DispatchRow {
  const {
    price,
    told,
    is_late: isLate,
  } = row as { price: string | null; told: string | null; is_late: number }
  return {
    ...(row as DispatchRow),
    price: price === null ? null : (JSON.parse(price) as Price),
    told: told === null ? null : (JSON.parse(told) as VerificationFacts),
    is_late: isLate === 1,
  }
}
