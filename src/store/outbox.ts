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
  /** Ledgers to free of this taking if it ends and nobody took it, see `isUntaken`. */
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
  /** Providers it was dispatched to so far, oldest first. */
  readonly tried: readonly string[]
  /** How many of those ended unknown: each may have been taken. */
  readonly unknowns: number
  /**
   * The provider an earlier owner had begun to hand it over to, by `begin`, without a word of what came of it: it
   * may have been taken.
   */
  readonly begun?: string
  /** Its first channel was not enough in time: `message.channel` is the second. */
  readonly isSecond: boolean
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

/** In the carrier's own words: a decimal amount and a currency, e.g. `0.0075` and `USD`. */
export type Price = { readonly amount: string; readonly currency: string }

/** One try at handing a message to a provider, as recorded. */
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
  /** What its receipts will name; only if receipts are awaited. */
  readonly receiptKey?: string
  /** The provider's own code and words. */
  readonly providerCode?: string
  readonly segments?: number
  readonly price?: Price
}

export type Settlement = {
  readonly dispatch: Dispatch
  /** What was claimed, as far as the record of the dispatch needs it. */
  readonly message: Pick<NewMessage, 'tenant' | 'app' | 'channel' | 'cooldown'>
  /** Of the number; empty for e-mail. */
  readonly region: string
  /** Empty for a notice. */
  readonly verification: string
  readonly queuedAt: number
  /** As claimed: which dispatch of the message this was. Recorded once, however often it is told. */
  readonly dispatches: number
  /**
   * done: off the queue · retry: due again after so long · second: due again by another channel after
   * so long, unless a receipt says delivered before · failed: off the queue, not sent.
   */
  readonly next:
    | { readonly kind: 'done' }
    | { readonly kind: 'retry'; readonly afterMs: number }
    | { readonly kind: 'second'; readonly channel: NewMessage['channel']; readonly afterMs: number }
    | { readonly kind: 'failed' }
}

/**
 * Whether no provider took a message that has failed, nor may have: then its issue counts for nothing. Not so if it
 * was accepted before, if an answer was lost, or if a claim of it was never settled: who had it may have sent it.
 * @param entry  As it lies in the outbox.
 * @param outcome  Of the dispatch it failed by.
 */
export function isUntaken(
  {
    dispatches,
    tried,
    unknowns,
    isSecond,
  }: Pick<OutboxEntry, 'dispatches' | 'tried' | 'unknowns' | 'isSecond'>,
  outcome: DispatchOutcome,
): boolean {
  if (outcome === 'accepted' || outcome === 'unknown' || unknowns > 0 || isSecond) return false
  return tried.length === dispatches - 1
}

/** That a message is being handed over. */
export type Begun = {
  readonly messageId: string
  readonly queuedAt: number
  /** Empty for a notice. */
  readonly verification: string
  /** Of the claim. */
  readonly dispatches: number
  readonly provider: string
}

/** Not counted: what was accepted and waits whether a second channel is needed. */
export type OutboxDepth = { readonly queued: number; readonly oldestMs: number }

export type Outbox = {
  /** Queues messages that belong to no verification. */
  queue(messages: readonly NewMessage[], lease: Lease): Promise<readonly OutboxEntry[]>
  /** Claims up to `most` due messages whose lease, if any, has run out; oldest first. */
  claim(most: number, lease: Lease): Promise<readonly OutboxEntry[]>
  /**
   * Records dispatches and says what becomes of their messages. If another owner has settled it in
   * the meantime, because this lease ran out, the dispatch is recorded all the same: it happened. One that has
   * failed stays with who has claimed it since. What failed and nobody took frees its cooldown, once.
   * @returns In their order, whether the message was given up by it: true once for a message that has failed.
   */
  settle(settlements: readonly Settlement[]): Promise<readonly boolean[]>
  /**
   * Marks claimed messages as being handed over, before they are. Settling or postponing one takes the mark away.
   * @returns For each whether it is this claim's still; if not, another owner has it, and it must not be handed over.
   */
  begin(marks: readonly Begun[]): Promise<readonly boolean[]>
  /** Gives claimed messages back untried, for later: the claim does not count as a dispatch. */
  postpone(
    entries: readonly {
      readonly messageId: string
      readonly queuedAt: number
      /** Empty for a notice. */
      readonly verification: string
    }[],
    afterMs: number,
  ): Promise<void>
  /** Ends all leases of an owner: at its start, for those it held when it died. */
  release(owner: string): Promise<void>
  depth(): Promise<OutboxDepth>
}
