/** What becomes of a message after a dispatch: done, failed, or another try and when. */

import type { Channel } from '../message/channel.ts'
import type { DispatchOutcome } from '../message/dispatch.ts'
import type { Settlement } from '../store/outbox.ts'

/** A code message is tried again only while the next try can still help: this much life left. */
export const minLifeForRetryMs = 20_000
/** Tries of a notice; those of a code end with its life. */
const maxNoticeTries = 10
/** A message that may have been taken goes out once more, not again and again. */
const maxUnknowns = 2
/**
 * A carrier that is well again gets a living code within three seconds: the longest wait and a look at the outbox,
 * which comes each 250 ms. Waits of a quarter less at most bound the tries of a code that lives ten minutes to 300.
 */
const maxWaitMs = 2_700
/** Of a mail that is put off with more than a minute left. */
const sharedTries = 10

/** What was known when a dispatch ended. */
export type AfterDispatch = {
  readonly outcome: DispatchOutcome
  /** false: a notice. */
  readonly isCode: boolean
  readonly channel: Channel
  /** Number of this dispatch of the message, from 1. */
  readonly nth: number
  /** How many of them ended unknown, this one included. */
  readonly unknowns: number
  /** Until the message's deadline. */
  readonly remainingMs: number
  /** A provider that is well was not tried yet. */
  readonly hasNext: boolean
}

export function nextAfter(after: AfterDispatch, random: () => number = Math.random): Settlement['next'] {
  const { outcome, unknowns, remainingMs, hasNext } = after
  switch (outcome) {
    case 'accepted':
      return { kind: 'done' }
    case 'refused':
    case 'expired':
    case 'exhausted':
      return { kind: 'failed' }
    case 'unknown':
    case 'throttled':
    case 'unavailable':
      if (outcome === 'unknown' && unknowns >= maxUnknowns) return { kind: 'failed' }
      if (remainingMs < minLifeForRetryMs) return { kind: 'failed' }
      if (hasNext) return { kind: 'retry', afterMs: 0 }
      if (!after.isCode && after.nth >= maxNoticeTries) return { kind: 'failed' }
      return { kind: 'retry', afterMs: Math.round(waitMs(after, random())) }
  }
}

/** Jitter in all of them, so that many messages failed by one outage do not come back together. */
function waitMs(after: AfterDispatch, share: number): number {
  const { outcome, isCode, channel, nth, remainingMs } = after
  // A notice is good for a day and outlives an outage: it waits up to hours.
  if (!isCode) return share * Math.min(remainingMs / 2, 1_000 * 4 ** nth)
  if (outcome === 'throttled' && channel === 'email' && remainingMs > 60_000) {
    // Greylisting lasts minutes, and short waits alone had used up every try within one: some ten tries share the
    // time that is left. Half jitter: with full jitter 9 % missed a delay of five minutes.
    const partMs = (remainingMs - minLifeForRetryMs) / Math.max(1, sharedTries - nth)
    return ((1 + share) / 2) * Math.max(maxWaitMs, Math.min(250 * 3 ** nth, partMs))
  }
  return (0.75 + share / 4) * Math.min(maxWaitMs, 250 * 2 ** nth)
}
