/** The contract for the record of dispatches: each try to hand a message over, and the receipts for it. */

import type { DispatchOutcome, Price } from '../message/dispatch.ts'
import type { ReceiptState } from '../message/receipt-state.ts'

export type RecordedDispatch = {
  /** The id of the message; a resend is a message of its own. */
  readonly message: string
  /** The number of the claim of the message, from 1. */
  readonly nth: number
  readonly channel: string
  /** Empty if the message reached no provider. */
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
  /** What followed for the message: done, retry, second, failed. */
  readonly next: string
  /** Whether it was recorded after another owner had settled the message. */
  readonly isLate: boolean
  readonly receipt: {
    readonly state: ReceiptState
    /** When this state was first reported. */
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
      /** false: the state did not move, because it was reported before, or a later one was. */
      readonly isNews: boolean
      readonly channel: string
      readonly region: string
      /** From the provider's acceptance to this receipt. */
      readonly sinceAcceptedMs: number
      /** The price of the message, if this receipt is the first with one. */
      readonly price: Price | null
    }
  /** No dispatch of this provider waits for such a receipt: it is early, or not for us. */
  | { readonly kind: 'unknown' }

/** Messages of a provider in a region: those it accepted, and those whose code was used. */
export type Tally = {
  readonly provider: string
  readonly region: string
  readonly sent: number
  readonly used: number
}

export type TallyPage = {
  /** The cursor of the next page. */
  readonly cursor: string
  readonly tallies: readonly Tally[]
  readonly isMoreDue: boolean
}

export type Dispatches = {
  /**
   * Records receipts. A state only moves up, whatever their order. `delivered` ends the wait for a second channel,
   * `undeliverable` makes the second channel due at once.
   * @returns In the order of the receipts.
   */
  receive(receipts: readonly ProviderReceipt[]): Promise<readonly ReceiptResult[]>
  /** All dispatches of a verification, in the order in which they were handed over. */
  of(verification: string): Promise<readonly RecordedDispatch[]>
  /**
   * Counts the accepted dispatches of verifications issued after `cursor` and before `untilMs`, each
   * once; a use counts for the last dispatch accepted before it, an acceptance for each.
   * @param cursor  As the last page gave it; a time in ms to begin at for the first.
   */
  tally(cursor: string | number, untilMs: number): Promise<TallyPage>
}
