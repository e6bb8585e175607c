/** A provider behind the breaker and the gates that decide whether it may be handed a message. */

import { type BreakerChange, type CircuitBreaker, createCircuitBreaker } from './circuit-breaker.ts'
import { createGate, type Gate } from './gate.ts'
import type { Provider } from './provider.ts'
import type { SenderRule } from './sender.ts'

/** A provider with its settings, whatever its type. */
export type RoutedProvider = {
  readonly provider: Provider
  readonly perSecond: number | null
  /** Messages handed over and not answered, at most. */
  readonly window: number
  /** The time limit of one hand-over; null: the route decides. */
  readonly timeoutMs: number | null
  readonly cost: number
  /** Whether a message that was being handed over when its process died goes once more. */
  readonly afterCrash: 'again' | 'unknown'
  readonly senders: readonly SenderRule[]
  /** Whether it only simulates a carrier. */
  readonly isSandbox?: boolean
}

export type GuardedProvider = RoutedProvider & {
  readonly name: string
  readonly breaker: CircuitBreaker
  readonly gate: Gate
  /** For messages with nowhere else to go, while all providers of their route fail. */
  readonly lastResort: Gate
}

/**
 * While every provider of a route fails, each gets so many messages a second: one of them shows that it is well again,
 * and then all may go. Without a bound each living code asked every other second. Of three thousand codes that was more
 * than a thousand calls a second, for a server that is trying to come back.
 */
const lastResortPerSecond = 20

export function guard(
  name: string,
  routed: RoutedProvider,
  clock: { readonly now: () => number; readonly random: () => number },
  onBreaker: (change: BreakerChange) => void,
): GuardedProvider {
  const { now, random } = clock
  return {
    ...routed,
    name,
    breaker: createCircuitBreaker(now, random, onBreaker),
    gate: createGate(routed, now),
    lastResort: createGate({ perSecond: lastResortPerSecond, window: Number.POSITIVE_INFINITY }, now),
  }
}
