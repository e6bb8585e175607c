/** Checks a proof token for the app that holds it, and consumes it if asked: of any number of consumers one does. */

import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address.ts'
import type { ProofClaims } from './proof-token.ts'
import type { Services } from './services.ts'

export type ProofQuestion = {
  readonly proof: string
  readonly consume: boolean
  /** The audience that the token must be for; undefined: the app's own or any that the app asked for. */
  readonly audience?: string | undefined
  /** The address that it must be about. */
  readonly address?: Address | undefined
  /** Who consumes it. A call that is made again with the same name after a lost answer succeeds again. */
  readonly by: string
}

export type ProofAnswer =
  | { readonly kind: 'valid'; readonly claims: ProofClaims }
  | { readonly kind: 'refused'; readonly reason: ProofRefusal }

/**
 * invalid: no token of this server, or of a key that left the ring · expired · audience: it is for others, or of another
 * app · address: about another one · consumed: by someone else, before.
 */
export const proofRefusals = ['invalid', 'expired', 'audience', 'address', 'consumed'] as const
export type ProofRefusal = (typeof proofRefusals)[number]

/** How long a consumption is remembered at least, so that a repeated call finds it: as long as an idempotency key. */
const rememberedMs = 86_400_000

export async function verifyProof(
  services: Services,
  app: string,
  { proof, consume, audience, address, by }: ProofQuestion,
): Promise<ProofAnswer> {
  const { proofs, store, clock } = services
  const now = clock.now()
  const read = await readProof(services, proof, now)
  if (read === undefined) return { kind: 'refused', reason: 'invalid' }
  const { claims, isExpired } = read
  const own = `${app} ${by}`
  // The signature holds for every app, so whose it is comes before everything that it would show to others.
  if (claims.azp !== app && claims.aud !== app) return { kind: 'refused', reason: 'audience' }
  if (audience !== undefined && claims.aud !== audience) return { kind: 'refused', reason: 'audience' }
  if (address !== undefined && !proofs.isAbout(claims, addressKey(address)))
    return { kind: 'refused', reason: 'address' }

  const thing = `proof ${claims.jti}`
  const consumer = isExpired || !consume ? await store.consumptions.consumer(thing) : undefined
  // A repeat of the call that consumed it is answered as that was, also when the token has expired since.
  if (isExpired && !(consume && consumer === own)) return { kind: 'refused', reason: 'expired' }
  if (consumer !== undefined && consumer !== own) return { kind: 'refused', reason: 'consumed' }
  if (consume && consumer === undefined) {
    const expiresAt = Math.max(claims.exp * 1000, now + rememberedMs)
    if (!(await store.consumptions.consume({ thing, by: own, expiresAt })))
      return { kind: 'refused', reason: 'consumed' }
  }
  return { kind: 'valid', claims }
}

/** @returns undefined if this server did not make it, or not with a key that is published now. */
async function readProof(
  { proofs }: Services,
  proof: string,
  now: number,
): Promise<{ claims: ProofClaims; isExpired: boolean } | undefined> {
  const issuer = proofs.publicUrl()
  if (issuer === null) return undefined
  // Loaded when it is first needed, because no other call needs it.
  const { errors, jwtVerify } = await import('jose')
  try {
    const { payload } = await jwtVerify(
      proof,
      ({ kid }) => {
        const key = proofs.keys(now).find((one) => one.kid === kid)
        if (!key) throw new errors.JWKSNoMatchingKey()
        return key.publicKey
      },
      { issuer, algorithms: [proofs.algorithm], currentDate: new Date(now) },
    )
    return { claims: payload as unknown as ProofClaims, isExpired: false }
  } catch (error) {
    if (error instanceof errors.JWTExpired)
      return { claims: error.payload as unknown as ProofClaims, isExpired: true }
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}
