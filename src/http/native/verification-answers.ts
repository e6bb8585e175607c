/** Writes verifications as answers: pure, so that the answer of a repeated call is the same. */

import type { PowChallenge } from '../../flows/challenge.ts'
import type { CheckVerificationOutcome } from '../../flows/check-verification.ts'
import type { ProofToken } from '../../flows/proof-token.ts'
import type { VerificationView } from '../../flows/verification-view.ts'
import type { Static } from '../../json-schema.ts'
import { publicIdOf } from '../../verification/public-id.ts'
import { secondsOf } from './problems.ts'
import type { checkAnswer, publicCheckAnswer, verification } from './verification-schemas.ts'

export function timeOf(at: number): string {
  return new Date(at).toISOString()
}

export function verificationBody(view: VerificationView): Static<typeof verification> {
  return {
    id: publicIdOf(view.id),
    state: view.state,
    to_masked: view.toMasked,
    channel: view.channel as Static<typeof verification>['channel'],
    purpose: view.purpose,
    subject: view.subject ?? null,
    locale: view.locale,
    created_at: timeOf(view.createdAt),
    expires_at: timeOf(view.expiresAt),
    used_at: view.usedAt === null ? null : timeOf(view.usedAt),
    code_length: view.codeLength,
    submissions_left: view.submissionsLeft,
    is_test: view.isTest,
    risk: { action: view.risk },
    metadata: view.metadata,
  }
}

export function challengeBody({ kind, algorithm, salt, challenge, signature, max, expiresAt }: PowChallenge) {
  const pow = { kind, algorithm, salt, challenge, signature, max, expires_at: timeOf(expiresAt) }
  return { kinds: [pow] }
}

export type Checked = Extract<CheckVerificationOutcome, { kind: 'verified' | 'refused' }>

export function checkBodyOf(outcome: Checked, proof: ProofToken | null): Static<typeof checkAnswer> {
  const verification = verificationBody(outcome.view)
  if (outcome.kind === 'verified') return { result: 'verified', verification, ...proofMembers(proof) }
  const { reason, isLate, retryAfterMs, view } = outcome
  return {
    result: 'refused',
    reason,
    submissions_left: view.submissionsLeft,
    retry_after_s: retryAfterMs > 0 ? secondsOf(retryAfterMs) : 0,
    ...(isLate && { late: true as const }),
    verification,
  }
}

/** Without a reason, because whoever has only the secret need not know it. */
export function publicCheckBodyOf(
  { kind }: Checked,
  proof: ProofToken | null,
): Static<typeof publicCheckAnswer> {
  return kind === 'verified' ? { result: kind, ...proofMembers(proof) } : { result: kind }
}

function proofMembers(proof: ProofToken | null) {
  return proof ? { proof: proof.proof, proof_expires_at: timeOf(proof.expiresAt) } : {}
}
