/** Decides what a dispatch writes to the store: its record, and what follows for its message. Pure. */

import type { Channel } from '../message/channel.ts'
import { destinationOf } from '../message/destination.ts'
import type { Dispatch } from '../message/dispatch.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { Settlement } from '../store/outbox.ts'
import type { PlanStep } from '../verification/details.ts'
import { verificationFacts } from '../verification/facts.ts'
import { minLifeForRetryMs, nextAfter } from './next-try.ts'
import type { Chosen } from './router.ts'

/**
 * @param chosen  The provider it was handed to; undefined: none.
 * @param areEventsRead  Whether somebody reads the events of an app.
 */
export function settlementOf(
  entry: OutboxEntry,
  dispatch: Dispatch,
  chosen: Pick<Chosen, 'second' | 'hasNext'> | undefined,
  areEventsRead: (app: string) => boolean,
): Settlement {
  const { message, verification, queuedAt, nth } = entry
  const { tenant, app, channel, cooldown } = message
  const next = nextOf(entry, dispatch, chosen)
  return {
    dispatch,
    // Only a message that failed is refunded. The names of its limiters are a quarter of a settlement's text.
    message: { tenant, app, channel, cooldown: next.kind === 'failed' ? cooldown : [] },
    region: destinationOf(message).region,
    verification: verification?.id ?? '',
    queuedAt,
    nth,
    next,
    ...(verification && areEventsRead(app) && { told: verificationFacts(verification) }),
  }
}

/** When the dispatch ended: engine time, ms. */
export function endOf({ handedOverAt, tookMs }: Pick<Dispatch, 'handedOverAt' | 'tookMs'>): number {
  return handedOverAt + tookMs
}

function nextOf(
  entry: OutboxEntry,
  dispatch: Dispatch,
  chosen: Pick<Chosen, 'second' | 'hasNext'> | undefined,
): Settlement['next'] {
  // It was cut off by a crash, and the settings allow no second try.
  if (entry.begun !== undefined) return { kind: 'failed' }
  const { outcome } = dispatch
  const remainingMs = entry.deadlineAt - endOf(dispatch)
  const step = nextStep(entry)
  if (!step) {
    const second = secondOf(entry, dispatch, chosen, remainingMs)
    if (second) return second
  }
  const next = nextAfter({
    outcome,
    isCode: entry.verification !== undefined,
    channel: entry.message.channel,
    nth: entry.nth,
    unknowns: entry.unknowns + Number(outcome === 'unknown'),
    remainingMs,
    hasNext: chosen?.hasNext ?? false,
  })
  return step ? byPlan(entry, dispatch, step, next, remainingMs) : next
}

type Step = PlanStep & { readonly nth: number }

/** The step of the plan that follows this message, if it is one of a plan. */
function nextStep({ message, verification, step }: OutboxEntry): Step | undefined {
  const nth = step ?? (message.beginsPlan ? 0 : undefined)
  const found = nth === undefined ? undefined : verification?.details?.plan?.[nth + 1]
  return found && { ...found, nth: nth! + 1 }
}

/** A step that ended is followed by the next one at its time; one that was given up, by the next one at once. */
function byPlan(
  { verification }: OutboxEntry,
  dispatch: Dispatch,
  { channel, afterMs, unless, nth }: Step,
  next: Settlement['next'],
  remainingMs: number,
): Settlement['next'] {
  if (next.kind !== 'done' && next.kind !== 'failed') return next
  if (verification?.state !== 'live') return next
  // Whole, because times are stored so, and the time that a carrier took is not.
  const untilMs = Math.ceil(verification.issuedAt + afterMs - endOf(dispatch))
  const waitMs = next.kind === 'failed' ? 0 : Math.max(0, untilMs)
  // At its own time a step comes early enough: the start has seen to that, and no rounding may deny it.
  const isAtItsTime = waitMs > 0
  if (!isAtItsTime && remainingMs - waitMs < minLifeForRetryMs) return next
  return {
    kind: 'second',
    channel: channel as Channel,
    afterMs: waitMs,
    step: nth,
    ...(unless === 'used' && { afterDelivery: true }),
  }
}

/** Whether an accepted code waits for a receipt, and the channel that follows if there is none. */
function secondOf(
  { verification, isSecond }: OutboxEntry,
  { outcome, receiptKey }: Dispatch,
  chosen: Pick<Chosen, 'second'> | undefined,
  remainingMs: number,
): Settlement['next'] | undefined {
  const second = chosen?.second
  // Without receipts nothing could show that the second channel is not needed.
  if (!second || outcome !== 'accepted' || !verification || isSecond || receiptKey === undefined)
    return undefined
  // A second message that comes too late to be typed is of no use.
  if (remainingMs - second.afterMs < minLifeForRetryMs) return undefined
  return { kind: 'second', channel: second.channel, afterMs: second.afterMs }
}
