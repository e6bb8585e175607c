/** The throttle ledgers, for takings that belong to no verification (passwords, nonces). */

import type { ReservationResult, SettledReservation } from '../throttle/reservation.ts'
import type { Take, Taking, Throttled } from '../throttle/take.ts'

export type Ledgers = {
  /** All or nothing. @returns The takings, by which they can be given back. */
  take(
    takes: readonly Take[],
  ): Promise<{ readonly kind: 'taken'; readonly takings: readonly Taking[] } | Throttled>
  giveBack(takings: readonly Taking[]): Promise<void>
  /** For what may turn out not to count: it holds room, see `throttle/reservation.ts`. Only takes of the form `events`. */
  reserve(takes: readonly Take[]): Promise<ReservationResult>
  settle(settled: SettledReservation): Promise<void>
  /** Whether anything was taken from the ledger that is not forgotten yet. */
  isHeld(key: string): Promise<boolean>
}
