/** Decides what follows for a message after a dispatch: it is done, has failed, or is tried again after some time. */

import type { Channel } from '../message/channel.ts'
import type { DispatchOutcome } from '../message/dispatch.ts'
import type { Settlement } from '../store/outbox.ts'

/** A code message is tried again only with so much life left, because a later try could not help. */
export const minLifeForRetryMs = 20_000
/** The most tries of a notice. Those of a code end with its life. */
const maxNoticeTries = 10
/** The most unknown outcomes: a message that may have been taken goes out once more, but not again and again. */
const maxUnknowns = 2
/**
 * The longest wait before the next try of a code. A carrier that works again gets a live code within three seconds: after
 * this wait and a poll of the outbox, each 250 ms. Waits are at most a quarter shorter, so a code that lives ten minutes
 * has at most 300 tries.
 */
const maxWaitMs = 2_700
/** The tries that share the time left of a mail that a server defers with more than a minute left. */
const sharedTries = 10

/** A dispatch that has ended, and the state of its message. */
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
  /** Whether a working provider of the route was not tried yet. */
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

/** All waits are random, so that many messages that failed in one outage do not come back together. */
function waitMs(after: AfterDispatch, share: number): number {
  const { outcome, isCode, channel, nth, remainingMs } = after
  // A notice is worth sending for a day, so it may wait for hours until an outage is over.
  if (!isCode) return share * Math.min(remainingMs / 2, 1_000 * 4 ** nth)
  if (outcome === 'throttled' && channel === 'email' && remainingMs > 60_000) {
    // Greylisting lasts minutes, and with short waits all tries were used up within one, so some ten tries share the time
    // left. Half of each wait is random: with all of it random, 9 % missed the end of a delay of five minutes.
    const partMs = (remainingMs - minLifeForRetryMs) / Math.max(1, sharedTries - nth)
    return ((1 + share) / 2) * Math.max(maxWaitMs, Math.min(250 * 3 ** nth, partMs))
  }
  return (0.75 + share / 4) * Math.min(maxWaitMs, 250 * 2 ** nth)
}
