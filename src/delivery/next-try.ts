/** What becomes of a message after a dispatch: done, failed, or another try and when. */

import type { DispatchOutcome, Settlement } from '../store/outbox.ts'

/** A code message is tried again only while the next try can still help: this much life left. */
export const leastLifeForRetryMs = 20_000
/** Claims of one message, whatever the reason: the worker's own bound on how often anyone is sent to. */
export const mostDispatches = 10
/** No code lives longer; what does is a notice. */
const longestCodeMs = 600_000
/** A message that may have been taken goes out once more, not again and again. */
const mostUnknowns = 2

export function nextAfter(
  outcome: DispatchOutcome,
  dispatches: number,
  unknowns: number,
  remainingMs: number,
  hasNext: boolean,
  random: () => number = Math.random,
): Settlement['next'] {
  switch (outcome) {
    case 'accepted':
      return { kind: 'done' }
    case 'refused':
      return { kind: 'failed', isPermanent: true }
    case 'expired':
    case 'exhausted':
      return { kind: 'failed', isPermanent: false }
    case 'unknown':
      if (unknowns >= mostUnknowns) return { kind: 'failed', isPermanent: false }
      return nextAfter('unavailable', dispatches, unknowns, remainingMs, hasNext, random)
    case 'throttled':
    case 'unavailable':
      if (remainingMs < leastLifeForRetryMs || dispatches >= mostDispatches)
        return { kind: 'failed', isPermanent: false }
      if (hasNext) return { kind: 'retry', afterMs: 0 }
      return { kind: 'retry', afterMs: Math.round(waitMs(outcome, dispatches, remainingMs, random())) }
  }
}

/**
 * A code waits half a second to eight; a notice, good for a day, up to hours: it outlives an outage. Full
 * jitter, so that many messages failed by one outage do not come back together.
 */
function waitMs(outcome: DispatchOutcome, dispatches: number, remainingMs: number, share: number): number {
  if (remainingMs > longestCodeMs) return share * Math.min(remainingMs / 2, 1_000 * 4 ** dispatches)
  const shortMs = Math.min(8_000, 250 * 2 ** dispatches)
  if (outcome !== 'throttled' || remainingMs <= 60_000) return share * shortMs
  // Put off with minutes left: the tries to come share them, for greylisting lasts minutes, and short waits
  // alone had used up every try within one. Half jitter: with full jitter 9 % missed a delay of five minutes.
  const partMs = (remainingMs - leastLifeForRetryMs) / (mostDispatches - dispatches)
  return ((1 + share) / 2) * Math.max(shortMs, Math.min(250 * 3 ** dispatches, partMs))
}
