/** The contract for the record of dispatches: each try at handing a message over, and what receipts said of it. */

import type { DispatchOutcome, Price } from '../message/dispatch.ts'
import type { ReceiptState } from '../message/receipt-state.ts'

export type RecordedDispatch = {
  /** Of the message; a resend is a message of its own. */
  readonly message: string
  /** Which claim of the message it was, from 1. */
  readonly nth: number
  readonly channel: string
  /** Empty if it did not come to a provider. */
  readonly provider: string
  /** ISO region of a number; empty for e-mail. */
  readonly region: string
  readonly outcome: DispatchOutcome
  /** The provider's own code and words, empty if it gave none. */
  readonly providerCode: string
  readonly providerMessageId: string
  /** Engine time, ms, as all here: committed · handed to the provider · answered by it. */
  readonly queuedAt: number
  readonly handedOverAt: number
  readonly answeredAt: number
  readonly segments: number | null
  readonly price: Price | null
  /** What became of the message: done, retry, second, failed. */
  readonly next: string
  /** Recorded after another owner had settled the message. */
  readonly isLate: boolean
  readonly receipt: {
    readonly state: ReceiptState
    /** When this state was first told. */
    readonly at: number
    readonly providerCode: string
  } | null
}

/** A receipt with the provider it came from. */
export type ProviderReceipt = {
  readonly provider: string
  readonly key: string
  readonly state: ReceiptState
  readonly providerCode: string
  readonly segments?: number
  readonly price?: Price
}

export type ReceiptResult =
  | {
      readonly kind: 'recorded'
      /** false: told before, or outranked by what was; the state did not move. */
      readonly isNews: boolean
      readonly channel: string
      readonly region: string
      /** From the provider's acceptance to this receipt. */
      readonly sinceAcceptedMs: number
      /** What the message cost, if this receipt is the first to tell. */
      readonly price: Price | null
    }
  /** No dispatch of this provider awaits such a receipt: it is early, or not for us. */
  | { readonly kind: 'unknown' }

/** How the messages of a provider fared in a region: accepted by it, and brought a code that was used. */
export type Tally = {
  readonly provider: string
  readonly region: string
  readonly sent: number
  readonly used: number
}

export type TallyPage = {
  /** Begin the next page here. */
  readonly cursor: string
  readonly tallies: readonly Tally[]
  readonly isMoreDue: boolean
}

export type Dispatches = {
  /**
   * Records receipts; a state only moves up, whatever the order. A delivered one ends the wait for a
   * second channel, an undeliverable one ends it at once by making the second due.
   * @returns In the order of the receipts.
   */
  receive(receipts: readonly ProviderReceipt[]): Promise<readonly ReceiptResult[]>
  /** All of a verification, in the order they were handed over. */
  of(verification: string): Promise<readonly RecordedDispatch[]>
  /**
   * Counts the accepted dispatches of verifications issued after `cursor` and before `untilMs`, each
   * once; a use counts for the last dispatch accepted before it, an acceptance for each.
   * @param cursor  As the last page gave it; a time in ms to begin at for the first.
   */
  tally(cursor: string | number, untilMs: number): Promise<TallyPage>
}
