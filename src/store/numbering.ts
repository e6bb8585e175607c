/** Values that engines with tables write as numbers, and the order of ids in time. */

import type { VerificationState } from '../verification/verification.ts'

/**
 * Numbers in the column `state`. expired: was live until its end. spent: takes no more submissions, but a submission
 * that was counted before and is still being compared may use it. So 200 simultaneous right submissions have one
 * winner and not none.
 */
export const stateNumber = { live: 0, used: 1, dead: 2, expired: 3, spent: 4 } as const

export type StateNumber = (typeof stateNumber)[keyof typeof stateNumber]

export const stateOfNumber: readonly VerificationState[] = ['live', 'used', 'dead', 'live', 'dead']

/** A text that sorts before every id made at or after this time: ids begin with their time, in ms as 12 hex digits. */
export function idAt(ms: number): string {
  return Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0')
}
