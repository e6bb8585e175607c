/** The contract for messages on their way: at least once, by lease, each dispatch recorded. */

import type { Channel } from '../message/channel.ts'
import type { Dispatch } from '../message/dispatch.ts'
import type { NewMessage } from '../message/message.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'

/** A claim: only `owner` may hand the message over until `ms` from the claim have passed. */
export type Lease = { readonly owner: string; readonly ms: number }

export type Settlement = {
  readonly dispatch: Dispatch
  /** What was claimed, as far as the record of the dispatch needs it. */
  readonly message: Pick<NewMessage, 'tenant' | 'app' | 'channel' | 'cooldown'>
  /** Of the number; empty for e-mail. */
  readonly region: string
  /** Empty for a notice. */
  readonly verification: string
  readonly queuedAt: number
  /** Of the claim. Recorded once, however often this settlement arrives. */
  readonly nth: number
  /**
   * done: off the queue · retry: due again after so long · second: due again by another channel after
   * so long, unless a receipt says delivered before · failed: off the queue, not sent.
   */
  readonly next:
    | { readonly kind: 'done' }
    | { readonly kind: 'retry'; readonly afterMs: number }
    | { readonly kind: 'second'; readonly channel: Channel; readonly afterMs: number }
    | { readonly kind: 'failed' }
}

/** Names a message in the outbox. */
export type EntryKey = {
  readonly messageId: string
  readonly queuedAt: number
  /** Empty for a notice. */
  readonly verification: string
}

/** That a message is being handed over. */
export type Begun = EntryKey & {
  /** Of the claim. */
  readonly nth: number
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
  postpone(keys: readonly EntryKey[], afterMs: number): Promise<void>
  /** Ends all leases of an owner: at its start, for those it held when it died. */
  release(owner: string): Promise<void>
  depth(): Promise<OutboxDepth>
}
