/** The contract of an engine, in the domain's verbs. Each verb is atomic; the conformance suite races them. */

import type { Audit } from './audit.ts'
import type { Consumptions } from './consumptions.ts'
import type { Directory } from './directory.ts'
import type { Dispatches } from './dispatches.ts'
import type { Erasures } from './erasure.ts'
import type { Events } from './events.ts'
import type { Journal } from './journal.ts'
import type { Keys } from './keys.ts'
import type { Limiters } from './limiters.ts'
import type { Outbox } from './outbox.ts'
import type { Verifications } from './verifications.ts'
import type { Webhooks } from './webhooks.ts'

/**
 * An engine. Every verb rejects with AppError `store.unavailable` if the engine fails, or does not answer within the
 * deadline it was opened with. The caller must then treat the call as refused, although its effect may have stayed.
 */
export type Store = AsyncDisposable & {
  /**
   * A call may be refused for capacity that another call has reserved and will give back, because the engine counts a
   * call in several places one after the other.
   */
  readonly reservesOnTheWay: boolean
  readonly verifications: Verifications
  readonly outbox: Outbox
  readonly dispatches: Dispatches
  readonly directory: Directory
  readonly keys: Keys
  readonly limiters: Limiters
  readonly journal: Journal
  readonly audit: Audit
  readonly consumptions: Consumptions
  readonly events: Events
  readonly webhooks: Webhooks
  readonly erasures: Erasures
  /** Engine time in ms since the epoch: the only clock that judges a code's life. */
  now(): Promise<number>
  /**
   * Writes something small, as durably as any record. A read would prove nothing, because a full disk, a replica and a full
   * memory still answer reads.
   * @returns Sentences about the parts that take no writes while others do; empty if all do.
   */
  proveWrite(): Promise<readonly string[]>
  /** Drops records that nothing needs any more: forgotten limiters, old tokens, expired proofs and consumptions, all past the retention. */
  sweep(retentionMs: number): Promise<void>
}
