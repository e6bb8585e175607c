/** Applies receipts to the record of their dispatches, and to messages that wait for a second channel. */

import { receiptRank } from '../../message/receipt-state.ts'
import { nextChannelIn } from '../../message/second.ts'
import { isWaitingForReceipt } from '../../message/stored-entry.ts'
import type { ProviderReceipt, ReceiptResult } from '../dispatches.ts'
import type { StandingReceipt } from '../history.ts'
import { entryKeyOf, type StoredDispatch } from '../stored-dispatch.ts'
import type { UnitOfWork, Verb } from '../unit-of-work.ts'
import { tellDispatch } from './tell.ts'

export type Received = {
  readonly results: readonly ReceiptResult[]
  /** The states that stand after these receipts, also after repeated ones, because a write elsewhere may have failed before. */
  readonly standing: readonly StandingReceipt[]
}

export const receive: Verb<[readonly ProviderReceipt[]], Received> = {
  needs(needs, receipts) {
    for (const receipt of receipts) needs.awaiting(receipt)
  },

  decide(unit, receipts) {
    const standing: StandingReceipt[] = []
    const results = receipts.map((receipt) => receiveOne(unit, receipt, standing))
    return { results, standing }
  },
}

function receiveOne(unit: UnitOfWork, receipt: ProviderReceipt, standing: StandingReceipt[]): ReceiptResult {
  const dispatch = unit.dispatches.awaiting(receipt)
  if (!dispatch) return { kind: 'unknown' }
  const { state, providerCode } = receipt
  const before = dispatch.receipt?.state
  const isNews = before === undefined || receiptRank(state) > receiptRank(before)
  if (isNews) {
    const news = { segments: receipt.segments ?? dispatch.segments, price: receipt.price ?? dispatch.price }
    unit.dispatches.change(dispatch, { receipt: { state, at: unit.now, providerCode }, ...news })
    endWait(unit, dispatch, receipt)
    if (state === 'delivered' || state === 'undeliverable')
      tellDispatch(
        unit,
        `verification.${state}`,
        { ...dispatch, ...news, providerCode },
        { reportedAt: unit.now },
      )
  }
  const { about, message, queuedAt, channel, region, answeredAt } = dispatch
  if (isNews || state === before) standing.push({ verification: about, messageId: message, queuedAt, state })
  return {
    kind: 'recorded',
    isNews,
    channel,
    region,
    sinceAcceptedMs: Math.max(0, unit.now - answeredAt),
    price: isNews && dispatch.price === null ? (receipt.price ?? null) : null,
  }
}

/** If delivered, no second channel is needed. If undeliverable, it is needed at once. */
function endWait({ outbox, now }: UnitOfWork, dispatch: StoredDispatch, { state }: ProviderReceipt): void {
  if (state !== 'delivered' && state !== 'undeliverable') return
  const key = entryKeyOf(dispatch)
  const entry = outbox.get(key)
  if (!entry || !isWaitingForReceipt(entry)) return
  if (state === 'delivered') {
    if (!nextChannelIn(entry.second!).afterDelivery) outbox.remove(key)
  } else if (entry.dueAt > now) outbox.change(key, { ...entry, dueAt: now })
}
