/** The throttle ledgers, for takings that belong to no verification (passwords, nonces). */

import type { Take, Throttled } from '../throttle/take.ts'

export type Ledgers = {
  /** All or nothing. @returns The engine time of the taking, by which it can be given back. */
  take(takes: readonly Take[]): Promise<{ readonly kind: 'taken'; readonly at: number } | Throttled>
  giveBack(takes: readonly Take[], at: number): Promise<void>
}
