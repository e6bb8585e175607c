/** The contract between delivery and a carrier: one message in, accepted or a `DeliveryError` out; receipts later. */

import type { Address } from '../address/address.ts'
import type { Channel } from '../message/channel.ts'
import type { Price } from '../message/dispatch.ts'
import type { ReceiptState } from '../message/receipt-state.ts'

/**
 * A rendered message, ready for a provider. It has both forms that carriers accept: the text, and the template's name
 * with its variables in order.
 */
export type Message = {
  /** Stable over every dispatch of the message, so that duplicates can be recognised (32 hex). */
  readonly id: string
  readonly tenant: string
  readonly app: string
  readonly channel: Channel
  readonly to: Address
  /** BCP 47, one of the shipped locales. */
  readonly locale: string
  /** The sender that the message shows, by the provider's `senders`; null: the provider chooses. */
  readonly sender: string | null
  /** E-mail only. */
  readonly subject?: string
  readonly text: string
  /** E-mail only. */
  readonly html?: string
  readonly template: string
  /** The template's variables as strings, in the order the template declares them. */
  readonly variables: readonly string[]
  /** Engine time in ms after which the message is worth nothing; 0 for a notice. */
  readonly deadlineAt: number
  /** Milliseconds from hand-over to the deadline, for the validity period at the carrier. */
  readonly remainingMs: number
}

/** The provider took the message over. */
export type Accepted = {
  /** The provider's own id of the message, as it gave it; for people and its support desk. */
  readonly id: string
  /** The key that receipts will have, if it is not `id`. */
  readonly receiptKey?: string
  /** Parts it was sent in. */
  readonly segments?: number
  readonly price?: Price
}

/** A provider's later report on a message. */
export type Receipt = {
  /** The same as `Accepted.receiptKey`, or without one as `Accepted.id`. */
  readonly key: string
  /** Other keys to try if no dispatch waits for `key`, the likeliest first. */
  readonly otherKeys?: readonly string[]
  readonly state: ReceiptState
  /** The provider's own code and words; never the code or whole address. At most 160 characters. */
  readonly providerCode: string
  readonly segments?: number
  readonly price?: Price
}

/**
 * Records receipts. Resolves once they are recorded, or parked because their messages are not known yet.
 * @param unread  Shapes of receipts that could not be read in full: letters as `a`, digits as `9`.
 * @throws AppError `store.unavailable`. The carrier should send them again.
 */
export type ReceiptSink = (receipts: readonly Receipt[], unread?: readonly string[]) => Promise<void>

/** A carrier's call to `/receipts/NAME`. */
export type ReceiptRequest = {
  readonly method: 'GET' | 'POST'
  /** Without the question mark; empty if there is none. */
  readonly query: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
  /** The caller's address, as trusted proxies report it. */
  readonly clientIp: string
}

export type ReceiptAnswer = {
  readonly status: number
  readonly contentType?: string
  readonly body?: string
  /** Why it was refused, for the operator; holds nothing of the call. */
  readonly reason?: string
}

export type Provider = {
  /** As named in the settings; appears in records and metrics. */
  readonly name: string
  readonly channels: readonly Channel[]
  /** Whether it sends receipts, so that its dispatches wait for them. */
  readonly hasReceipts: boolean
  /**
   * Hands one message over. Resolves once the provider has taken responsibility for it.
   * @param options.signal  Aborts at the dispatch's deadline; the provider must then settle soon.
   * @throws DeliveryError
   */
  send(message: Message, options: { readonly signal: AbortSignal }): Promise<Accepted>
  /** Verifies a carrier's call, gives its receipts to the sink, and returns the answer. */
  receipts?(request: ReceiptRequest): Promise<ReceiptAnswer>
  /** Begins to listen for receipts, if it has a listener of its own. A server calls it, a command does not. */
  start?(): Promise<void>
  /** Checks that the provider can be reached, and that it accepts our credentials if it can be asked. Throws DeliveryError. */
  check?(): Promise<void>
  /** Whether `check` proves that our credentials are accepted, not only that the server answers. */
  readonly provesCredentials?: boolean
  close?(): Promise<void>
}

/**
 * refused: the provider will never take this message · throttled: it may take it later · unavailable: it did not take it,
 * another try may succeed · unknown: the answer was lost, so it may have taken it.
 */
export type DeliveryErrorKind = 'refused' | 'throttled' | 'unavailable' | 'unknown'

export class DeliveryError extends Error {
  readonly kind: DeliveryErrorKind
  /** The provider's own code and words, kept in the dispatch record; never the code or whole address. */
  readonly providerCode: string
  /** How long the provider asks to be left alone, if it does. */
  readonly retryAfterMs: number | undefined

  constructor(
    kind: DeliveryErrorKind,
    providerCode: string,
    options: ErrorOptions & { readonly retryAfterMs?: number } = {},
  ) {
    super(`provider answered ${kind}: ${providerCode}`, options)
    this.name = 'DeliveryError'
    this.kind = kind
    this.providerCode = providerCode
    this.retryAfterMs = options.retryAfterMs
  }

  /** Only a refusal is final. */
  get isRetryable(): boolean {
    return this.kind !== 'refused'
  }
}
