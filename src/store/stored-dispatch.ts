/** The record of a dispatch as stores with tables keep it. Their tables have the same columns. */

import type { DispatchOutcome, Price } from '../message/dispatch.ts'
import { receiptRank, receiptStates } from '../message/receipt-state.ts'
import type { VerificationFacts } from '../verification/facts.ts'
import type { RecordedDispatch } from './dispatches.ts'
import { idAt } from './numbering.ts'
import type { EntryKey, Settlement } from './outbox.ts'

export type StoredDispatch = RecordedDispatch & {
  /** See `aboutOf`. */
  readonly about: string
  readonly tenant: string
  readonly app: string
  /** The key that its receipts will have; null: it does not wait for receipts any more. */
  readonly receiptKey: string | null
  /** For the events of later receipts; null: nobody reads them. */
  readonly told: VerificationFacts | null
}

/** A row by its columns, in the order of the tables. Engines write `price` and `is_late` in types of their own. */
export type DispatchRow = {
  readonly about: string
  readonly message: string
  readonly nth: number
  readonly tenant: string
  readonly app: string
  readonly channel: string
  readonly provider: string
  readonly region: string
  readonly outcome: DispatchOutcome
  readonly provider_code: string
  readonly provider_id: string
  readonly receipt_key: string | null
  readonly queued_at: number
  readonly handed_at: number
  readonly answered_at: number
  readonly segments: number | null
  readonly price: Price | null
  readonly next: string
  readonly is_late: boolean
  readonly receipt_state: number | null
  readonly receipt_at: number | null
  readonly receipt_code: string | null
  readonly told: VerificationFacts | null
}

/**
 * The thing a dispatch is about: its verification, or for a notice its time and id in the same form. Both begin with their
 * time, so that rows are appended.
 */
export function aboutOf({ verification, queuedAt, messageId }: EntryKey): string {
  return verification === '' ? idAt(queuedAt) + messageId : verification
}

export function storedDispatchOf({
  dispatch,
  message,
  region,
  verification,
  queuedAt,
  nth,
  next,
  told,
}: Settlement): StoredDispatch {
  const { messageId, provider, outcome, handedOverAt, tookMs } = dispatch
  return {
    about: aboutOf({ verification, queuedAt, messageId }),
    message: messageId,
    nth,
    tenant: message.tenant,
    app: message.app,
    channel: message.channel,
    provider,
    region,
    outcome,
    providerCode: dispatch.providerCode ?? '',
    providerMessageId: dispatch.providerMessageId ?? '',
    receiptKey: dispatch.receiptKey ?? null,
    queuedAt,
    handedOverAt: Math.floor(handedOverAt),
    answeredAt: Math.floor(handedOverAt + tookMs),
    segments: dispatch.segments ?? null,
    price: dispatch.price ?? null,
    next: next.kind,
    isLate: false,
    receipt: null,
    told: told ?? null,
  }
}

/** The key of its message in the outbox; what it is about serves as well as its verification. */
export function entryKeyOf({ about, message, queuedAt }: StoredDispatch): EntryKey {
  return { messageId: message, queuedAt, verification: about }
}

export function dispatchRowOf(dispatch: StoredDispatch): DispatchRow {
  const { receipt } = dispatch
  return {
    about: dispatch.about,
    message: dispatch.message,
    nth: dispatch.nth,
    tenant: dispatch.tenant,
    app: dispatch.app,
    channel: dispatch.channel,
    provider: dispatch.provider,
    region: dispatch.region,
    outcome: dispatch.outcome,
    provider_code: dispatch.providerCode,
    provider_id: dispatch.providerMessageId,
    receipt_key: dispatch.receiptKey,
    queued_at: dispatch.queuedAt,
    handed_at: dispatch.handedOverAt,
    answered_at: dispatch.answeredAt,
    segments: dispatch.segments,
    price: dispatch.price,
    next: dispatch.next,
    is_late: dispatch.isLate,
    receipt_state: receipt && receiptRank(receipt.state),
    receipt_at: receipt?.at ?? null,
    receipt_code: receipt?.providerCode ?? null,
    told: dispatch.told,
  }
}

export function dispatchOfRow(row: DispatchRow): StoredDispatch {
  return {
    ...recordedOf(row),
    about: row.about,
    tenant: row.tenant,
    app: row.app,
    receiptKey: row.receipt_key,
    told: row.told,
  }
}

export function recordedOf(row: DispatchRow): RecordedDispatch {
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
