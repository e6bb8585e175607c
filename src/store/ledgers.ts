/** The throttle ledgers, for takings that belong to no verification (passwords, nonces). */

import type { Take, Taking, Throttled } from '../throttle/take.ts'

export type Ledgers = {
  /** All or nothing. @returns The takings, by which they can be given back. */
  take(
    takes: readonly Take[],
  ): Promise<{ readonly kind: 'taken'; readonly takings: readonly Taking[] } | Throttled>
  giveBack(takings: readonly Taking[]): Promise<void>
}
