/** A message in the outbox, with its state at the present claim. */

import type { Verification } from '../verification/verification.ts'
import type { DispatchOutcome } from './dispatch.ts'
import type { NewMessage } from './message.ts'

/** A message as its present owner has claimed it. */
export type OutboxEntry = {
  readonly message: NewMessage
  /** The verification whose code the message carries; absent for a notice. The code is derived from it at hand-over. */
  readonly verification?: Verification
  /** Engine time. */
  readonly queuedAt: number
  readonly deadlineAt: number
  /** Milliseconds from this claim to the deadline; a process needs no more, even if its clock differs from engine time. */
  readonly remainingMs: number
  /** Number of this claim, from 1, and of the dispatch that it leads to. */
  readonly nth: number
  /** Providers it was dispatched to so far, oldest first. */
  readonly tried: readonly string[]
  /** How many of those ended unknown: each may have been taken. */
  readonly unknowns: number
  /**
   * The provider to which an earlier owner had begun to hand it over, by `begin`, without recording the outcome: that
   * provider may have taken it.
   */
  readonly begun?: string
  /** Whether `message.channel` is not its first channel. */
  readonly isSecond: boolean
  /** The step of the verification's plan that this is, if it is one that follows another. */
  readonly step?: number
}

/**
 * The entry of a message that is queued now, claimed by the process that queues it.
 * @param queuedAt  Engine time of the commit, ms.
 * @param verification  For a code message, which expires with its code. At a resend the code is older than the message.
 */
export function newOutboxEntry(
  message: NewMessage,
  queuedAt: number,
  verification?: Verification,
): OutboxEntry {
  const deadlineAt = verification ? verification.expiresAt : queuedAt + message.lifetimeMs
  return {
    message,
    ...(verification && { verification }),
    queuedAt,
    deadlineAt,
    remainingMs: deadlineAt - queuedAt,
    nth: 1,
    tried: [],
    unknowns: 0,
    isSecond: false,
  }
}

/**
 * Whether it is certain that no provider took a message that has failed; then its issue does not count. It is not
 * certain if a provider accepted it before, if an answer was lost, or if a claim was never settled, because that
 * claim's owner may have sent it.
 * @param entry  As it is in the outbox.
 * @param outcome  Of the dispatch that made it fail.
 */
export function isUntaken(
  { nth, tried, unknowns, isSecond }: Pick<OutboxEntry, 'nth' | 'tried' | 'unknowns' | 'isSecond'>,
  outcome: DispatchOutcome,
): boolean {
  if (outcome === 'accepted' || outcome === 'unknown' || unknowns > 0 || isSecond) return false
  return tried.length === nth - 1
}
