/** The contract for limiters whose hits belong to no verification, such as those of passwords and nonces. */

import type { Hit, Limit, Throttled } from '../throttle/acquire.ts'
import type { ReservationResult, SettledReservation } from '../throttle/reservation.ts'

export type Limiters = {
  /** All or nothing. @returns The hits, by which they can be refunded. */
  acquire(
    limits: readonly Limit[],
  ): Promise<{ readonly kind: 'acquired'; readonly hits: readonly Hit[] } | Throttled>
  refund(hits: readonly Hit[]): Promise<void>
  /** Reserves capacity for an event that may turn out not to count, see `throttle/reservation.ts`. Limits of the form `events`. */
  reserve(limits: readonly Limit[]): Promise<ReservationResult>
  settle(settled: SettledReservation): Promise<void>
  /** Whether the limiter has a hit that is not forgotten yet. */
  isHeld(key: string): Promise<boolean>
}
