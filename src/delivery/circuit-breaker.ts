/** Decides whether a provider gets messages: closed while it works, open while it fails, and in between with one probe. */

import type { DispatchOutcome } from '../message/dispatch.ts'

export type BreakerState = 'closed' | 'open' | 'half-open'

export type CircuitBreaker = {
  state(): BreakerState
  /** When it will let a probe through, by its own clock. */
  opensUntil(): number
  /** @returns undefined while nothing may be handed over. If it is half-open, the message that enters is the probe. */
  enter(): Entered | undefined
  /** Lets a message without another provider enter in any state. Its failure changes nothing, unlike that of a probe. */
  enterAnyway(): Entered
}

/** A message that was handed over. */
export type Entered = {
  /** To be called once, with the outcome. */
  leave(outcome: DispatchOutcome): void
}

/** A change of state. If it opens: the reason, and the time until a probe may enter. */
export type BreakerChange =
  | { readonly kind: 'opened'; readonly why: string; readonly forMs: number }
  | { readonly kind: 'closed' }

/** It opens after so many failures in a row, or if half of so many messages in the window fail. */
const failuresInRow = 5
const minOutcomes = 10
const failingShare = 0.5
const windowSeconds = 30
const minOpenMs = 5_000
const maxOpenMs = 60_000
/** After this time without an outcome another message may be the probe. */
const probeMs = 15_000

/**
 * Only `unavailable` and `unknown` count as failures, because only they show that the provider does not work. A refusal is
 * an answer about the recipient, throttling one about speed.
 * @param now  Milliseconds that never go back.
 * @param random  0 to 1. It spreads the probes of many processes.
 * @param onChange  Called when it opens, also again after a failed probe, and when it closes.
 */
export function createCircuitBreaker(
  now: () => number,
  random: () => number,
  onChange: (change: BreakerChange) => void = () => undefined,
): CircuitBreaker {
  let seconds = emptySeconds()
  let inRow = 0
  let openUntil = 0
  let openMs = 0
  /** Grows when it opens or closes, because an outcome from an earlier period is not about the provider's present state. */
  let period = 0
  let probe: { readonly since: number } | undefined

  const isOpened = () => openMs > 0

  function open(why: string): void {
    openMs = Math.min(maxOpenMs, openMs === 0 ? minOpenMs : openMs * 2)
    const forMs = openMs * (0.5 + random() / 2)
    openUntil = now() + forMs
    probe = undefined
    period++
    onChange({ kind: 'opened', why, forMs })
  }

  function close(): void {
    openMs = 0
    inRow = 0
    seconds = emptySeconds()
    probe = undefined
    period++
    onChange({ kind: 'closed' })
  }

  function entered(own?: typeof probe): Entered {
    const since = period
    return {
      leave(outcome) {
        // A time-out takes seconds. A late outcome would count as that of the probe, or against a provider that works again.
        if (since !== period) return
        if (!isOpened()) count(outcome)
        else if (own !== undefined && own === probe) answerProbe(outcome)
        else if (outcome === 'accepted') close()
      },
    }
  }

  function answerProbe(outcome: DispatchOutcome): void {
    if (outcome === 'throttled') probe = undefined
    else if (isFailure(outcome)) open(`its probe was ${outcome}`)
    else close()
  }

  function count(outcome: DispatchOutcome): void {
    const second = Math.floor(now() / 1000)
    let counted = seconds[second % windowSeconds]!
    if (counted.second !== second) {
      counted = { second, outcomes: 0, failures: 0 }
      seconds[second % windowSeconds] = counted
    }
    counted.outcomes++
    if (!isFailure(outcome)) {
      inRow = 0
      return
    }
    inRow++
    counted.failures++
    if (inRow >= failuresInRow) open(`${failuresInRow} failures in a row, the last ${outcome}`)
    else if (isFailing(seconds, second)) open(`half of ${windowSeconds} s failed, the last ${outcome}`)
  }

  return {
    state() {
      if (!isOpened()) return 'closed'
      return now() < openUntil ? 'open' : 'half-open'
    },
    opensUntil: () => openUntil,
    enter() {
      if (!isOpened()) return entered()
      const time = now()
      if (time < openUntil) return undefined
      if (probe && time - probe.since < probeMs) return undefined
      probe = { since: time }
      return entered(probe)
    },
    enterAnyway: () => entered(),
  }
}

function isFailure(outcome: DispatchOutcome): boolean {
  return outcome === 'unavailable' || outcome === 'unknown'
}

type Second = { readonly second: number; outcomes: number; failures: number }

/** Counts by the second: at a thousand messages a second a list of outcomes would cost more than all else here. */
function emptySeconds(): Second[] {
  return Array.from({ length: windowSeconds }, () => ({ second: -windowSeconds, outcomes: 0, failures: 0 }))
}

function isFailing(seconds: readonly Second[], now: number): boolean {
  let outcomes = 0
  let failures = 0
  for (const one of seconds)
    if (one.second > now - windowSeconds) {
      outcomes += one.outcomes
      failures += one.failures
    }
  return outcomes >= minOutcomes && failures >= outcomes * failingShare
}
