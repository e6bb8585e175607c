/** Decides whether an entered code is right. Pure, and equally quick for every reason of a refusal. */

import { codeOf } from '../code/code-of.ts'
import { isSameSecret } from '../code/constant-time.ts'
import { enteredCrockford } from '../code/entered-code.ts'
import type { KeyRing, RingKey } from '../code/key-ring.ts'
import { maxLifetimeMs, type Verification, type VerificationState } from './verification.ts'

export type SubmissionOutcome =
  | { readonly kind: 'match'; readonly record: Verification }
  | {
      readonly kind: 'refused'
      readonly reason: RefusalReason
      /** The code is right, but came after its end. */
      readonly isLate?: true
    }

/** held and the states of an end are those of the record, see `VerificationState`. */
export type RefusalReason = 'unknown' | 'expired' | 'wrong' | Exclude<VerificationState, 'live'>

/** The decoy for a missing record: an unknown address costs the same derivation as a known one. */
const decoy: Verification = {
  id: '0'.repeat(44),
  keyId: '',
  tenant: 'nobody',
  app: '0'.repeat(32),
  subject: '0'.repeat(32),
  address: 'tel:+000000000000',
  purpose: 'new-contact',
  digits: 6,
  state: 'dead',
  issuedAt: 0,
  expiresAt: 0,
  submissions: 0,
  usedAt: null,
  isTest: false,
  details: null,
}

/**
 * Compares the code entered with the record's own.
 * @param record  As `takeSubmission` returned it, with this submission counted; undefined if there is none.
 * @param testCode  The fixed code of a test address, from the settings.
 * @param now  Engine time in ms.
 */
export function decideSubmission(
  record: Verification | undefined,
  entered: string,
  ring: KeyRing,
  now: number,
  testCode?: string,
): SubmissionOutcome {
  const subject = record ?? decoy
  const key: RingKey = ring.keys.get(subject.keyId) ?? ring.newest
  const own = codeOf(key, subject)
  const expected = subject.isTest ? (subject.details?.testCode ?? testCode) : own
  const typed = subject.details?.alphabet === 'crockford' ? enteredCrockford(entered) : entered
  // The comparison is made before the first return, so that the reasons differ in the journal but not in time.
  const isSame = expected !== undefined && isSameSecret(typed, expected)
  if (record === undefined) return { kind: 'refused', reason: 'unknown' }
  if (record.state !== 'live') return { kind: 'refused', reason: record.state }
  // The second bound protects against a record with too late an end (SP 800-63B-4 3.1.3.2).
  if (now >= record.expiresAt || now >= record.issuedAt + maxLifetimeMs)
    return { kind: 'refused', reason: 'expired', ...(isSame && { isLate: true }) }
  // Codes of a key that left the ring are refused: the newest key, used above in its place, must not make them valid.
  if (!subject.isTest && !ring.keys.has(record.keyId)) return { kind: 'refused', reason: 'unknown' }
  return isSame ? { kind: 'match', record } : { kind: 'refused', reason: 'wrong' }
}
