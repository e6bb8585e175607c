/** The contract for queued messages: each is sent at least once, owned by a lease meanwhile, with each dispatch recorded. */

import type { Dispatch } from '../message/dispatch.ts'
import type { NewMessage } from '../message/message.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { NextChannel } from '../message/second.ts'
import type { VerificationFacts } from '../verification/facts.ts'

/** A claim: only `owner` may hand the message over until `ms` from the claim have passed. */
export type Lease = { readonly owner: string; readonly ms: number }

export type Settlement = {
  readonly dispatch: Dispatch
  /** The part of the claimed message that the record of the dispatch needs, and if it failed its refund. */
  readonly message: Pick<NewMessage, 'tenant' | 'app' | 'channel' | 'cooldown'>
  /** The region of the number; empty for e-mail. */
  readonly region: string
  /** Empty for a notice. */
  readonly verification: string
  readonly queuedAt: number
  /** The number of the claim. The dispatch is recorded once, however often this settlement arrives. */
  readonly nth: number
  /**
   * done: removed from the queue · retry: due again after a time · second: due again by another channel after a time, unless
   * a receipt reports `delivered` before, or the code is used · failed: removed from the queue, not sent.
   */
  readonly next:
    | { readonly kind: 'done' }
    | { readonly kind: 'retry'; readonly afterMs: number }
    | ({ readonly kind: 'second'; readonly afterMs: number } & NextChannel)
    | { readonly kind: 'failed' }
  /** The facts of its verification, for events; absent if nobody reads them, and for a notice. */
  readonly told?: VerificationFacts
}

/** Names a message in the outbox. */
export type EntryKey = {
  readonly messageId: string
  readonly queuedAt: number
  /** Empty for a notice. */
  readonly verification: string
}

/** The mark of a message that is being handed over. */
export type Begun = EntryKey & {
  /** The number of the claim. */
  readonly nth: number
  readonly provider: string
}

/** Without accepted messages that wait for a receipt before a second channel. */
export type OutboxDepth = { readonly queued: number; readonly oldestMs: number }

export type Outbox = {
  /** Queues messages that belong to no verification. */
  queue(messages: readonly NewMessage[], lease: Lease): Promise<readonly OutboxEntry[]>
  /** Claims up to `max` due messages whose lease, if any, has run out; oldest first. */
  claim(max: number, lease: Lease): Promise<readonly OutboxEntry[]>
  /**
   * Records dispatches, and ends their messages or makes them due again. If another owner has settled a message meanwhile,
   * because this lease ran out, the dispatch is recorded all the same, since it happened. A message that failed stays with
   * an owner that has claimed it since. If it failed and nobody took it, its cooldown is refunded, once.
   * @returns For each, in their order, whether it gave the message up: true once for a message that has failed.
   */
  settle(settlements: readonly Settlement[]): Promise<readonly boolean[]>
  /**
   * Marks claimed messages as being handed over, before they are. Settling or postponing a message removes the mark.
   * @returns For each whether this claim still owns it. If not, another owner has it, and it must not be handed over.
   */
  begin(marks: readonly Begun[]): Promise<readonly boolean[]>
  /** Gives claimed messages back untried, to be due later. The claim does not count as a dispatch. */
  postpone(keys: readonly EntryKey[], afterMs: number): Promise<void>
  /** Ends all leases of an owner. It calls this at its start, for leases from before a crash. */
  release(owner: string): Promise<void>
  depth(): Promise<OutboxDepth>
}
