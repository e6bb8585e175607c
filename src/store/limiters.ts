/** The throttle limiters, for hits that belong to no verification (passwords, nonces). */

import type { Hit, Limit, Throttled } from '../throttle/acquire.ts'
import type { ReservationResult, SettledReservation } from '../throttle/reservation.ts'

export type Limiters = {
  /** All or nothing. @returns The hits, by which they can be refunded. */
  acquire(
    limits: readonly Limit[],
  ): Promise<{ readonly kind: 'acquired'; readonly hits: readonly Hit[] } | Throttled>
  refund(hits: readonly Hit[]): Promise<void>
  /** For what may turn out not to count: it holds room, see `throttle/reservation.ts`. Only limits of the form `events`. */
  reserve(limits: readonly Limit[]): Promise<ReservationResult>
  settle(settled: SettledReservation): Promise<void>
  /** Whether anything was taken from the limiter that is not forgotten yet. */
  isHeld(key: string): Promise<boolean>
}
