/** The proof token of a verification that succeeded, in the form that its caller or its app wants. */

import type { App } from '../directory/directory.ts'
import type { Verification } from '../verification/verification.ts'
import type { ProofToken } from './proof-token.ts'
import type { Services } from './services.ts'

/**
 * @param channel  The channel that brought the code.
 * @returns null if the app's policy wants none, no public URL is known, or the verification was not used.
 */
export function proofOf(
  { proofs, policyOf }: Pick<Services, 'proofs' | 'policyOf'>,
  app: App,
  { id, subject, address, purpose, isTest, usedAt, details }: Verification,
  channel: string,
): ProofToken | null {
  if (usedAt === null) return null
  const proved = {
    ...{ id, app: app.id, subject, address, purpose, isTest, channel, usedAt },
    audience: details?.audience,
    nonce: details?.nonce,
    form: details?.proof,
    byTestKey: details?.byTestKey,
  }
  return proofs.of(proved, policyOf(app).proofToken)
}
