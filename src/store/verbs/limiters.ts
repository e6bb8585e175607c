/** Acquires, refunds and reserves in limiters that belong to no verification, such as those of passwords and nonces. */

import { type Hit, hitsOf, type Limit } from '../../throttle/acquire.ts'
import { acquire as acquireAll, keysOf, refundAll } from '../../throttle/open-limiters.ts'
import {
  keysOfReservation,
  type ReservationResult,
  reserve as reserveAll,
  type SettledReservation,
  settle as settleOne,
} from '../../throttle/reservation.ts'
import type { Limiters } from '../limiters.ts'
import type { Verb } from '../unit-of-work.ts'

export const acquire: Verb<[readonly Limit[]], Awaited<ReturnType<Limiters['acquire']>>> = {
  needs: (needs, limits) => needs.limiters(keysOf(limits)),
  decide({ now, limiters }, limits) {
    const throttled = acquireAll(limiters, limits, now)
    return throttled ?? { kind: 'acquired', hits: hitsOf(limits, now) }
  },
}

export const refund: Verb<[readonly Hit[]], void> = {
  needs: (needs, hits) => needs.limiters(keysOf(hits)),
  decide: ({ limiters }, hits) => refundAll(limiters, hits),
}

export const reserve: Verb<[readonly Limit[]], ReservationResult> = {
  needs: (needs, limits) => needs.limiters(keysOfReservation(limits)),
  decide: ({ now, limiters }, limits) => reserveAll(limiters, limits, now),
}

export const settle: Verb<[SettledReservation], void> = {
  needs(needs, { reservation, emptied }) {
    needs.limiters(keysOfReservation(reservation.limits))
    needs.limiters(emptied)
  },
  decide: ({ now, limiters }, settled) => settleOne(limiters, settled, now),
}

export const isHeld: Verb<[string], boolean> = {
  needs: (needs, key) => needs.limiters([key]),
  // Within a unit one that was emptied is still there.
  decide: ({ now, limiters }, key) =>
    (limiters.read(key) ?? []).length > 0 && (limiters.forgottenAt(key) ?? 0) > now,
}
