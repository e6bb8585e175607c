/** Values that engines with tables write as numbers, and the order of ids in time. */

import type { StoredState } from '../verification/stored-verification.ts'

/** Numbers in the column `state`. */
export const stateNumber = {
  live: 0,
  used: 1,
  dead: 2,
  expired: 3,
  spent: 4,
  held: 5,
  cancelled: 6,
} as const satisfies Record<StoredState, number>

/** Those that time ends: what waits for a code, or for the solution of a challenge. For SQL. */
export const openStates = [stateNumber.live, stateNumber.held].join(', ')

export function isOpen(state: StateNumber): boolean {
  return state === stateNumber.live || state === stateNumber.held
}

export type StateNumber = (typeof stateNumber)[StoredState]

export const stateOfNumber = Object.keys(stateNumber) as readonly StoredState[]

/** A text that sorts before every id made at or after this time: ids begin with their time, in ms as 12 hex digits. */
export function idAt(ms: number): string {
  return Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0')
}
