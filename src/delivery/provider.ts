/** The contract between delivery and a carrier: one message in, accepted or a `DeliveryError` out; receipts later. */

import type { Address } from '../address/address.ts'
import type { Channel } from '../message/channel.ts'
import type { Price } from '../message/dispatch.ts'
import type { ReceiptState } from '../message/receipt-state.ts'

/**
 * A rendered message, ready for a provider. Carries both forms carriers take: the text, and
 * the template's name with its variables in order.
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
  /** Whom the message shows as its sender, by the provider's `senders`; null: the provider's own choice. */
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
  /** From hand-over to the deadline, ms: all that a carrier's validity period needs to know. */
  readonly remainingMs: number
}

/** The provider took the message over. */
export type Accepted = {
  /** The provider's own id of the message, as it gave it; for people and its support desk. */
  readonly id: string
  /** What a receipt will name, if it is not `id`. */
  readonly receiptKey?: string
  /** Parts it was sent in. */
  readonly segments?: number
  readonly price?: Price
}

/** A provider's later word on a message. */
export type Receipt = {
  /** As `Accepted.receiptKey`, or else `Accepted.id`. */
  readonly key: string
  /** What it may have meant if nothing awaits `key`, the likeliest first. */
  readonly otherKeys?: readonly string[]
  readonly state: ReceiptState
  /** The provider's own code and words; never the code or whole address. At most 160 characters. */
  readonly providerCode: string
  readonly segments?: number
  readonly price?: Price
}

/**
 * Takes receipts in: resolves once they are recorded, or parked because nothing is known of them yet.
 * @param unread  How those are built that could not be read, or not in full: letters as `a`, digits as `9`.
 * @throws AppError `store.unavailable`: the carrier should tell it again.
 */
export type ReceiptSink = (receipts: readonly Receipt[], unread?: readonly string[]) => Promise<void>

/** A carrier's call to `/receipts/NAME`, as it came. */
export type ReceiptRequest = {
  readonly method: 'GET' | 'POST'
  /** Without the question mark; empty if there is none. */
  readonly query: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly body: Buffer
  /** Of the caller, behind the proxies that are trusted. */
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
  /** Whether it tells what became of a message, so that its dispatches await receipts. */
  readonly hasReceipts: boolean
  /**
   * Hands one message over. Resolves once the provider has taken responsibility for it.
   * @param options.signal  Aborts at the dispatch's deadline; the provider must then settle soon.
   * @throws DeliveryError
   */
  send(message: Message, options: { readonly signal: AbortSignal }): Promise<Accepted>
  /** Verifies a carrier's call, hands what it tells to the sink, and says what to answer. */
  receipts?(request: ReceiptRequest): Promise<ReceiptAnswer>
  /** Begins to take receipts in where it listens for them itself; a server does this, a command does not. */
  start?(): Promise<void>
  /** Whether the provider can be reached now, and takes our credentials where it can be asked. Throws DeliveryError if not. */
  check?(): Promise<void>
  /** `check` shows that our credentials are taken, not only that somebody is there. */
  readonly provesCredentials?: boolean
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
