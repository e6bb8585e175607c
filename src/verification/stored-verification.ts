/** A verification as a store keeps it, and the rules on its life that every engine follows. */

import type { Verification, VerificationState } from './verification.ts'

/**
 * expired: it was live until its end. A spent one takes no more submissions, but a submission that was counted before, and
 * is still being compared, may use it. So of 200 simultaneous right submissions one wins, and not none.
 */
export type StoredState = VerificationState | 'expired'

export type StoredVerification = Omit<Verification, 'state'> & { readonly state: StoredState }

/** The parts of a verification that a verb may change. */
export type VerificationChange = Partial<
  Pick<StoredVerification, 'state' | 'submissions' | 'usedAt' | 'issuedAt' | 'expiresAt'>
>

/** A code issued later than now, by more than this, counts as expired: a clock that was set back must not let it live longer. */
const clockSlackMs = 2_000

/** @param now  Engine time in ms, as below. */
export function isInTime({ issuedAt, expiresAt }: StoredVerification, now: number): boolean {
  return expiresAt > now && issuedAt <= now + clockSlackMs
}

/** Whether a counted submission may still use it. */
export function isUsable(record: StoredVerification, now: number): boolean {
  return (record.state === 'live' || record.state === 'spent') && isInTime(record, now)
}

/** Whether its code can still be entered. A live one without is spent in all but name: the next act that finds it ends it. */
export function hasSubmissionLeft(
  { submissions }: Pick<StoredVerification, 'submissions'>,
  maxSubmissions: number,
): boolean {
  return submissions < maxSubmissions
}

/** The change of a live verification by one more submission. Beyond the limit it is spent, and the submission not counted. */
export function submissionOf(
  record: Pick<StoredVerification, 'submissions'>,
  maxSubmissions: number,
): VerificationChange {
  return hasSubmissionLeft(record, maxSubmissions)
    ? { submissions: record.submissions + 1 }
    : { state: 'spent' }
}

/** The record in the form of the contract: callers judge its end by the time. */
export function asCallersSee(record: StoredVerification): Verification {
  return record.state === 'expired' ? { ...record, state: 'live' } : (record as Verification)
}
