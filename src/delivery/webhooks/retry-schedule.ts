/** When an event that an endpoint did not take is posted again: soon, then more and more seldom, for a day. */

import type { WebhookDelivery } from '../../store/webhooks.ts'

/** From a try to the next. After the last of these it goes on once an hour. */
const gapsMs = [5_000, 30_000, 120_000, 600_000, 1_800_000]
const lastGapMs = 3_600_000
/** How long it is tried. */
export const retriesMs = 86_400_000

/** @returns Between three quarters and five quarters of a gap, so that what failed together does not come back together. */
export function gapAfterMs(tries: number, random: number): number {
  return Math.round((gapsMs[tries - 1] ?? lastGapMs) * (0.75 + random / 2))
}

export type Result = { readonly status: number | null; readonly reason: string; readonly tookMs: number }

/** @param at  Engine time of the end of the try. @param random  0 to 1. */
export function afterTry(
  before: WebhookDelivery,
  result: Result,
  at: number,
  random: number,
): WebhookDelivery {
  const tries = before.tries + 1
  const firstAt = before.firstAt ?? at
  const tried = { ...before, ...result, tries, firstAt, lastAt: at }
  if (isTaken(result)) return { ...tried, state: 'delivered', dueAt: null }
  return waitingUntil(tried, at + gapAfterMs(tries, random), at)
}

/** Puts one off untried, while its endpoint fails or an earlier event of its verification waits. Its day goes on. */
export function putOff(before: WebhookDelivery, dueAt: number, at: number): WebhookDelivery {
  return waitingUntil({ ...before, firstAt: before.firstAt ?? at }, dueAt, at)
}

function waitingUntil(one: WebhookDelivery, dueAt: number, at: number): WebhookDelivery {
  const end = one.firstAt! + retriesMs
  // The last try is at the end of the day itself.
  if (at >= end) return { ...one, state: 'failed', dueAt: null }
  return { ...one, state: 'waiting', dueAt: Math.min(dueAt, end) }
}

/** Only a status of 2xx is: a redirect is not followed. */
export function isTaken({ status }: Pick<Result, 'status'>): boolean {
  return status !== null && status >= 200 && status < 300
}
