/** A verification as a store keeps it, and the rules on its life that every engine follows. */

import type { Verification, VerificationState } from './verification.ts'

/**
 * expired: was live until its end. spent: takes no more submissions, but a submission that was counted before and is
 * still being compared may use it. So 200 simultaneous right submissions have one winner and not none.
 */
export type StoredState = VerificationState | 'expired' | 'spent'

export type StoredVerification = Omit<Verification, 'state'> & { readonly state: StoredState }

/** What a verb may change of a verification. */
export type VerificationChange = Partial<Pick<StoredVerification, 'state' | 'submissions' | 'usedAt'>>

/** If the engine's clock is set back, a code must not live longer: one issued later than now, give or take, is over. */
const clockSlackMs = 2_000

/** @param now  Engine time in ms, as below. */
export function isInTime({ issuedAt, expiresAt }: StoredVerification, now: number): boolean {
  return expiresAt > now && issuedAt <= now + clockSlackMs
}

/** Whether a submission that was counted may still use it. */
export function isUsable(record: StoredVerification, now: number): boolean {
  return (record.state === 'live' || record.state === 'spent') && isInTime(record, now)
}

/** What one more submission does to a live verification. Beyond the limit it takes no more and is not counted. */
export function submissionOf(
  { submissions }: Pick<StoredVerification, 'submissions'>,
  maxSubmissions: number,
): VerificationChange {
  return submissions >= maxSubmissions ? { state: 'spent' } : { submissions: submissions + 1 }
}

const callersState: Readonly<Record<StoredState, VerificationState>> = {
  live: 'live',
  used: 'used',
  dead: 'dead',
  expired: 'live',
  spent: 'dead',
}

/** The record as callers see it, who judge its end by the time. */
export function asCallersSee(record: StoredVerification): Verification {
  const state = callersState[record.state]
  return state === record.state ? (record as Verification) : { ...record, state }
}
