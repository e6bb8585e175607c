/** Takings of which it is not known yet whether they count: they hold their room for a while, and no longer. */

import { forgottenAt, givenBack, type Ledger, type LedgerForm, taken, withTakings } from './ledger.ts'
import { decideTakes, type Take, type Throttled } from './take.ts'

/**
 * Whoever reserves knows by then whether it counts. What is neither settled nor here any more, for its process
 * died, holds room no longer than this.
 */
export const reservationMs = 5_000

/** `at`: engine time in ms. */
export type Reservation = { readonly takes: readonly Take[]; readonly at: number }

export type ReservationResult =
  | { readonly kind: 'reserved'; readonly reservation: Reservation }
  /** There is room, but others have reserved it. It is worth asking again soon: some of theirs may not count. */
  | { readonly kind: 'contended' }
  | Throttled

export type SettledReservation = {
  readonly reservation: Reservation
  /** Whether it turns into takings. */
  readonly counts: boolean
  /** Keys of ledgers that are to be emptied. */
  readonly emptied: readonly string[]
}

/** Ledgers within an atomic step of an engine. What is put empty is dropped. */
export type OpenLedgers = {
  read(key: string): Ledger | undefined
  put(key: string, form: LedgerForm, ledger: Ledger, forgottenAt: number): void
}

/** All or nothing. @param takes  Of the form `events`. */
export function reserve(open: OpenLedgers, takes: readonly Take[], now: number): ReservationResult {
  const counted = takes.map((take) => open.read(take.key) ?? [])
  const settled = decideTakes(takes, counted, now)
  if (settled.kind === 'throttled') return settled
  const reserved = takes.map((take) => alive(open.read(reservedKey(take.key)), now))
  const both = counted.map((ledger, i) => withTakings(ledger, reserved[i]!))
  if (decideTakes(takes, both, now).kind === 'throttled') return { kind: 'contended' }
  for (const [i, { key }] of takes.entries())
    open.put(reservedKey(key), 'events', [...reserved[i]!, now], now + reservationMs)
  return { kind: 'reserved', reservation: { takes, at: now } }
}

/** Ends a reservation. Never refused: its room was held, or it took longer than that lasts. */
export function settle(open: OpenLedgers, settled: SettledReservation, now: number): void {
  const { reservation, counts, emptied } = settled
  for (const { key, form, rules, keepMs } of reservation.takes) {
    const reserved = givenBack(alive(open.read(reservedKey(key)), now), 'events', reservation.at)
    open.put(reservedKey(key), 'events', reserved, now + reservationMs)
    if (!counts) continue
    const ledger = taken(open.read(key) ?? [], form, rules, now, 0, keepMs)
    open.put(key, form, ledger, forgottenAt(ledger, form, rules))
  }
  for (const key of emptied) if (open.read(key)) open.put(key, 'events', [], now)
}

/** Every ledger that reserving and settling look at. */
export function keysOfReservation(takes: readonly Take[]): string[] {
  return takes.flatMap(({ key }) => [key, reservedKey(key)])
}

/** The ledger of what is reserved of another one. */
function reservedKey(key: string): string {
  return `r${key}`
}

function alive(ledger: Ledger = [], now: number): Ledger {
  return ledger.filter((at) => at + reservationMs > now)
}
