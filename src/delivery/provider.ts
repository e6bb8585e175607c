/** The contract between delivery and a carrier: one message in, accepted or a `DeliveryError` out. */

import type { Address } from '../address/address.ts'

export type Channel = 'sms' | 'email'

/**
 * A rendered message, ready for a provider. Carries both forms carriers take: the text, and
 * the template's name with its variables in order.
 */
export type Message = {
  /** Stable over every dispatch of the message, so that duplicates can be recognised (32 hex). */
  readonly id: string
  readonly channel: Channel
  readonly to: Address
  /** BCP 47, one of the shipped locales. */
  readonly locale: string
  /** E-mail only. */
  readonly subject?: string
  readonly text: string
  /** E-mail only. */
  readonly html?: string
  readonly template: string
  /** The template's variables as strings, in the order the template declares them. */
  readonly variables: readonly string[]
  /** Milliseconds since the epoch after which the message is worth nothing. */
  readonly deadlineAt: number
}

/** The provider took the message over. `id` is the provider's own, for its receipts. */
export type Accepted = { readonly id: string }

export type Provider = {
  /** As named in the settings; appears in records and metrics. */
  readonly name: string
  readonly channels: readonly Channel[]
  /**
   * Hands one message over. Resolves once the provider has taken responsibility for it.
   * @param options.signal  Aborts at the dispatch's deadline; the provider must then settle soon.
   * @throws DeliveryError
   */
  send(message: Message, options: { readonly signal: AbortSignal }): Promise<Accepted>
  /** Tells whether the provider can be reached now; used by `doctor`. Throws DeliveryError if not. */
  check?(): Promise<void>
  close?(): Promise<void>
}

/**
 * refused: the provider will never take this message · throttled: later · unavailable: it was not
 * taken, another try may work · unknown: the connection was lost mid-call, it may have been taken.
 */
export type DeliveryErrorKind = 'refused' | 'throttled' | 'unavailable' | 'unknown'

export class DeliveryError extends Error {
  readonly kind: DeliveryErrorKind
  /** The provider's own code and words, kept in the dispatch record; never the code or whole address. */
  readonly providerCode: string

  constructor(kind: DeliveryErrorKind, providerCode: string, options?: ErrorOptions) {
    super(`provider answered ${kind}: ${providerCode}`, options)
    this.name = 'DeliveryError'
    this.kind = kind
    this.providerCode = providerCode
  }

  /** Only a refusal is final. */
  get isRetryable(): boolean {
    return this.kind !== 'refused'
  }
}
