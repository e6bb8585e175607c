/** Reservations: capacity kept for hits that may turn out not to count, for a limited time. */

import { decideAcquire, type Limit, type Throttled } from './acquire.ts'
import { forgottenAt, type LimiterState, withHit, withHits, withoutHit } from './limiter-state.ts'
import type { OpenLimiters } from './open-limiters.ts'

/**
 * How long a reservation lasts. Its process normally settles it sooner. If the process died, the capacity is free again
 * after this time.
 */
export const reservationMs = 5_000

/** `at`: engine time in ms. */
export type Reservation = { readonly limits: readonly Limit[]; readonly at: number }

export type ReservationResult =
  | { readonly kind: 'reserved'; readonly reservation: Reservation }
  /** There is capacity, but others have reserved it. Ask again soon, because some of their hits may not count. */
  | { readonly kind: 'contended' }
  | Throttled

export type SettledReservation = {
  readonly reservation: Reservation
  /** Whether the reservation becomes hits. */
  readonly counts: boolean
  /** Keys of limiters that are to be emptied. */
  readonly emptied: readonly string[]
}

/** All or nothing. @param limits  Of the form `events`. */
export function reserve(open: OpenLimiters, limits: readonly Limit[], now: number): ReservationResult {
  const counted = limits.map((limit) => open.read(limit.key) ?? [])
  const settled = decideAcquire(limits, counted, now)
  if (settled.kind === 'throttled') return settled
  const reserved = limits.map((limit) => alive(open.read(reservedKey(limit.key)), now))
  const both = counted.map((limiter, i) => withHits(limiter, reserved[i]!))
  if (decideAcquire(limits, both, now).kind === 'throttled') return { kind: 'contended' }
  for (const [i, { key }] of limits.entries())
    open.put(reservedKey(key), 'events', [...reserved[i]!, now], now + reservationMs)
  return { kind: 'reserved', reservation: { limits, at: now } }
}

/** Ends a reservation. It never refuses, even if the reservation has run out. */
export function settle(open: OpenLimiters, settled: SettledReservation, now: number): void {
  const { reservation, counts, emptied } = settled
  for (const { key, form, rules, keepMs } of reservation.limits) {
    const reserved = withoutHit(alive(open.read(reservedKey(key)), now), 'events', reservation.at)
    open.put(reservedKey(key), 'events', reserved, now + reservationMs)
    if (!counts) continue
    const limiter = withHit(open.read(key) ?? [], form, rules, now, 0, keepMs)
    open.put(key, form, limiter, forgottenAt(limiter, form, rules))
  }
  for (const key of emptied) if (open.read(key)) open.put(key, 'events', [], now)
}

/** The keys of every limiter that reserving and settling read. */
export function keysOfReservation(limits: readonly Limit[]): string[] {
  return limits.flatMap(({ key }) => [key, reservedKey(key)])
}

/** The key of the limiter that has the reservations of another one. */
function reservedKey(key: string): string {
  return `r${key}`
}

function alive(limiter: LimiterState = [], now: number): LimiterState {
  return limiter.filter((at) => at + reservationMs > now)
}
