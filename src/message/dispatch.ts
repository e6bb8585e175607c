/** One try at handing a message to a provider, and how the provider answered. */

export type DispatchOutcome =
  | 'accepted'
  | 'refused'
  | 'throttled'
  | 'unavailable'
  | 'unknown'
  /** Its deadline passed before it could be handed over. */
  | 'expired'
  /** Claimed as often as the worker allows. */
  | 'exhausted'

/** In the carrier's own words: a decimal amount and a currency, e.g. `0.0075` and `USD`. */
export type Price = { readonly amount: string; readonly currency: string }

export type Dispatch = {
  readonly messageId: string
  /** Empty if it did not come to a provider. */
  readonly provider: string
  readonly outcome: DispatchOutcome
  /** Engine time, ms. */
  readonly handedOverAt: number
  /** Milliseconds the provider took. */
  readonly tookMs: number
  readonly providerMessageId?: string
  /** The key that its receipts will have; only if it waits for receipts. */
  readonly receiptKey?: string
  /** The provider's own code and words. */
  readonly providerCode?: string
  readonly segments?: number
  readonly price?: Price
}
