/** Dispatches in SQLite: written as a message is settled, moved up by receipts, read as a history and as tallies. */

import type { DatabaseSync } from 'node:sqlite'
import type { DispatchOutcome, Price } from '../../message/dispatch.ts'
import { receiptRank, receiptStates } from '../../message/receipt-state.ts'
import { tallyRows } from '../bounds.ts'
import type { ProviderReceipt, ReceiptResult, RecordedDispatch, Tally, TallyPage } from '../dispatches.ts'
import { idAt } from '../numbering.ts'
import type { Settlement } from '../outbox.ts'
import type { Used } from '../verifications.ts'
import type { Row } from './rows.ts'

export type SqliteDispatches = ReturnType<typeof sqliteDispatches>

export function sqliteDispatches(db: DatabaseSync, now: () => number) {
  const insert = db.prepare(
    `insert into dispatch values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, null, null, null)
     on conflict do nothing`,
  )
  // A provider that reuses its ids means its newest message.
  const selectAwaiting = db.prepare(
    `select * from dispatch where provider = ? and receipt_key = ? order by about desc, nth desc limit 1`,
  )
  const moveUp = db.prepare(
    `update dispatch set receipt_state = ?, receipt_at = ?, receipt_code = ?,
       segments = coalesce(?, segments), price = coalesce(?, price)
     where about = ? and message = ? and nth = ?`,
  )
  // Only what nobody is handing over right now.
  const endWait = db.prepare(
    "delete from outbox where queued_at = ? and message_id = ? and second is not null and owner = ''",
  )
  const hasten = db.prepare(
    `update outbox set due_at = ? where queued_at = ? and message_id = ? and second is not null
       and owner = '' and due_at > ?`,
  )
  const selectOf = db.prepare('select * from dispatch where about = ? order by handed_at, nth')
  const selectLastAccepted = db.prepare(
    `select provider, channel, region, answered_at from dispatch
     where about = ? and outcome = 'accepted' order by answered_at desc limit 1`,
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

  function receiveOne(receipt: ProviderReceipt): ReceiptResult {
    const row = selectAwaiting.get(receipt.provider, receipt.key) as Row | undefined
    if (!row) return { kind: 'unknown' }
    const at = now()
    const rank = receiptRank(receipt.state)
    const isNews = row.receipt_state === null || rank > (row.receipt_state as number)
    if (isNews) {
      const price = receipt.price && JSON.stringify(receipt.price)
      moveUp.run(
        rank,
        at,
        receipt.providerCode,
        receipt.segments ?? null,
        price ?? null,
        row.about as string,
        row.message as string,
        row.nth as number,
      )
      const [queuedAt, message] = [row.queued_at as number, row.message as string]
      if (receipt.state === 'delivered') endWait.run(queuedAt, message)
      if (receipt.state === 'undeliverable') hasten.run(at, queuedAt, message, at)
    }
    return {
      kind: 'recorded',
      isNews,
      channel: row.channel as string,
      region: row.region as string,
      sinceAcceptedMs: Math.max(0, at - (row.answered_at as number)),
      price: isNews && row.price === null ? (receipt.price ?? null) : null,
    }
  }

  return {
    record(settlement: Settlement, isLate: boolean): void {
      const { dispatch, message, region, verification, queuedAt, nth, next } = settlement
      insert.run(
        verification === '' ? idAt(queuedAt) + dispatch.messageId : verification,
        dispatch.messageId,
        nth,
        message.tenant,
        message.app,
        message.channel,
        dispatch.provider,
        region,
        dispatch.outcome,
        dispatch.providerCode ?? '',
        dispatch.providerMessageId ?? '',
        dispatch.receiptKey ?? null,
        queuedAt,
        Math.floor(dispatch.handedOverAt),
        Math.floor(dispatch.handedOverAt + dispatch.tookMs),
        dispatch.segments ?? null,
        dispatch.price ? JSON.stringify(dispatch.price) : null,
        next.kind,
        Number(isLate),
      )
    },

    receive: (receipts: readonly ProviderReceipt[]): readonly ReceiptResult[] => receipts.map(receiveOne),

    of: (verification: string): readonly RecordedDispatch[] =>
      (selectOf.all(verification) as Row[]).map(recordedOf),

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

    /** The last acceptance of a verification's message so far. */
    lastAccepted(verification: string): Used['broughtBy'] {
      const row = selectLastAccepted.get(verification) as Row | undefined
      if (!row) return null
      return {
        provider: row.provider as string,
        channel: row.channel as string,
        region: row.region as string,
        acceptedAt: row.answered_at as number,
      }
    },
  }
}

function recordedOf(row: Row): RecordedDispatch {
  return {
    message: row.message as string,
    nth: row.nth as number,
    channel: row.channel as string,
    provider: row.provider as string,
    region: row.region as string,
    outcome: row.outcome as DispatchOutcome,
    providerCode: row.provider_code as string,
    providerMessageId: row.provider_id as string,
    queuedAt: row.queued_at as number,
    handedOverAt: row.handed_at as number,
    answeredAt: row.answered_at as number,
    segments: row.segments as number | null,
    price: row.price === null ? null : (JSON.parse(row.price as string) as Price),
    next: row.next as string,
    isLate: row.is_late === 1,
    receipt:
      row.receipt_state === null
        ? null
        : {
            state: receiptStates[row.receipt_state as number]!,
            at: row.receipt_at as number,
            providerCode: row.receipt_code as string,
          },
  }
}
