/** The contract for messages on their way: at least once, by lease, each dispatch recorded. */

import type { Address } from '../address/address.ts'
import type { Verification } from '../verification/verification.ts'

/** A claim: only `owner` may hand the message over until `ms` from the claim have passed. */
export type Lease = { readonly owner: string; readonly ms: number }

export type MessageTemplate = 'code' | 'contact-changed'

/** A message to be sent. Never holds a code: that is derived at hand-over. */
export type NewMessage = {
  /** 32 hex; the same on every dispatch. */
  readonly id: string
  readonly tenant: string
  readonly app: string
  readonly channel: 'sms' | 'email' | 'voice'
  readonly to: Address
  readonly locale: string
  readonly template: MessageTemplate
  /** Values for the template, without the code. */
  readonly values: Readonly<Record<string, string>>
  /** How long the message is worth sending; a code message lives as long as its code. */
  readonly lifetimeMs: number
  /** Ledgers to free of this taking if a provider refuses the address for good. */
  readonly cooldown: readonly string[]
}

export type OutboxEntry = {
  readonly message: NewMessage
  /** For code messages: what to derive the code from. */
  readonly verification?: Verification
  /** Engine time. */
  readonly queuedAt: number
  readonly deadlineAt: number
  /** From this claim to the deadline: all that a process whose clock differs needs to know. */
  readonly remainingMs: number
  /** Claims so far, this one included. */
  readonly dispatches: number
}

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

/** One try at handing a message to a provider, as recorded. */
export type Dispatch = {
  readonly messageId: string
  /** Empty if it did not come to a provider. */
  readonly provider: string
  readonly outcome: DispatchOutcome
  /** Milliseconds the provider took. */
  readonly tookMs: number
  readonly providerMessageId?: string
  /** The provider's own code and words. */
  readonly providerCode?: string
}

export type Settlement = {
  readonly dispatch: Dispatch
  /** What was claimed, as far as the record of the dispatch needs it. */
  readonly message: Pick<NewMessage, 'tenant' | 'app' | 'channel' | 'cooldown'>
  /** Empty for a notice. */
  readonly verification: string
  readonly queuedAt: number
  /** done: off the queue · retry: due again after so long · failed: off the queue, not sent. */
  readonly next:
    | { readonly kind: 'done' }
    | { readonly kind: 'retry'; readonly afterMs: number }
    | { readonly kind: 'failed'; readonly isPermanent: boolean }
}

export type OutboxDepth = { readonly queued: number; readonly oldestMs: number }

export type Outbox = {
  /** Queues messages that belong to no verification. */
  queue(messages: readonly NewMessage[], lease: Lease): Promise<readonly OutboxEntry[]>
  /** Claims up to `most` due messages whose lease, if any, has run out; oldest first. */
  claim(most: number, lease: Lease): Promise<readonly OutboxEntry[]>
  /**
   * Records dispatches and says what becomes of their messages. If another owner has settled it in
   * the meantime, because this lease ran out, the dispatch is recorded all the same: it happened.
   */
  settle(settlements: readonly Settlement[]): Promise<void>
  /** Ends all leases of an owner: at its start, for those it held when it died. */
  release(owner: string): Promise<void>
  depth(): Promise<OutboxDepth>
}
