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
      return nextAfter('unavailable', dispatches, unknowns, remainingMs, hasNext)
    case 'throttled':
    case 'unavailable':
      if (remainingMs < leastLifeForRetryMs || dispatches >= mostDispatches)
        return { kind: 'failed', isPermanent: false }
      if (hasNext) return { kind: 'retry', afterMs: 0 }
      // Full jitter, so that many messages failed by one outage do not come back together.
      return { kind: 'retry', afterMs: Math.round(Math.random() * longestWaitMs(dispatches, remainingMs)) }
  }
}

/** A code waits half a second to eight; a notice, good for a day, up to hours: it outlives an outage. */
function longestWaitMs(dispatches: number, remainingMs: number): number {
  const isUrgent = remainingMs <= longestCodeMs
  return isUrgent
    ? Math.min(8_000, 250 * 2 ** dispatches)
    : Math.min(remainingMs / 2, 1_000 * 4 ** dispatches)
}
