/** Checks a proof token for the app that holds it, and consumes it if asked: of any number of consumers one does. */

import type { Address } from '../address/address.ts'
import { addressKey } from '../address/address.ts'
import { addressTag } from '../code/address-tag.ts'
import { randomHex } from '../random.ts'
import { type Once, onceMs } from '../store/once.ts'
import { isForTests, type ProofClaims } from './proof-token.ts'
import { isSameCall } from './same-call.ts'
import type { Services } from './services.ts'

export type ProofQuestion = {
  readonly proof: string
  readonly consume: boolean
  /** The audience that the token must be for; undefined: the app's own or any that the app asked for. */
  readonly audience?: string | undefined
  /** The address that it must be about. */
  readonly address?: Address | undefined
  /** Names the call: made again with the same key after a lost answer, it consumes nothing twice and succeeds again. */
  readonly once?: Once | undefined
}

export type ProofAnswer =
  /** `isReplay`: the same call consumed it before. */
  | { readonly kind: 'valid'; readonly claims: ProofClaims; readonly isReplay: boolean }
  | { readonly kind: 'refused'; readonly reason: ProofRefusal }
  /** The key named another question before. */
  | { readonly kind: 'mismatch' }

/**
 * invalid: no token of this server, or of a key that left the ring · expired · audience: it is for others, of another app,
 * or of a test key where a live one asks, and the other way round · address: about another one · consumed: by someone else, before.
 */
export const proofRefusals = ['invalid', 'expired', 'audience', 'address', 'consumed'] as const
export type ProofRefusal = (typeof proofRefusals)[number]

/** How long a consumption is remembered at least, so that a repeated call finds it: as long as an idempotency key. */
const rememberedMs = onceMs

/**
 * @param caller  The app that asks, by its id: one that the token is for, or that asked for the verification; and whether
 *   it asks with a test key, which knows the tokens of test keys alone.
 * @throws AppError `store.unavailable`; then it may have been consumed by this question's key alone.
 */
export async function verifyProof(
  services: Services,
  { app, isTest }: { readonly app: string; readonly isTest: boolean },
  { proof, consume, audience, address, once }: ProofQuestion,
): Promise<ProofAnswer> {
  const { store, clock } = services
  const now = clock.now()
  const before = once && (await store.consumptions.consumer(`once ${once.key}`))
  if (before !== undefined && before !== once!.fingerprint) return { kind: 'mismatch' }
  const read = await readProof(services, proof, now)
  if (read === undefined) return refused('invalid')
  const { claims, isExpired } = read
  // The signature holds for every app, so whose it is comes before everything that it would show to others.
  if (claims.azp !== app && claims.aud !== app) return refused('audience')
  if (isForTests(claims) !== isTest) return refused('audience')
  if (audience !== undefined && claims.aud !== audience) return refused('audience')
  if (address !== undefined && !(await isAbout(services, claims, addressKey(address))))
    return refused('address')
  // Nothing is written for a text that is no token of this app. A look without `consume` changes nothing, so its key need
  // not be remembered.
  if (once && consume && before === undefined && !(await isSameCall(services, once)))
    return { kind: 'mismatch' }

  const thing = `proof ${claims.jti}`
  const by = once?.key ?? randomHex(16)
  const consumer = isExpired || !consume ? await store.consumptions.consumer(thing) : undefined
  // A repeat of the call that consumed it is answered as that was, also when the token has expired since.
  if (isExpired && !(consume && consumer === by)) return refused('expired')
  if (consumer !== undefined && consumer !== by) return refused('consumed')
  if (consume && consumer === undefined) {
    const expiresAt = Math.max(claims.exp * 1000, now + rememberedMs)
    if (!(await store.consumptions.consume({ thing, by, expiresAt }))) return refused('consumed')
  }
  return { kind: 'valid', claims, isReplay: consume && before !== undefined }
}

/** Different addresses that a token with a hash alone is compared with, before it is compared with no more. */
const maxMisses = 10

/** Counts wrong addresses, because numbers are few enough to be tried one after the other. */
async function isAbout(
  { proofs, ring, store, clock }: Services,
  claims: ProofClaims,
  address: string,
): Promise<boolean> {
  if (claims.address_hash === undefined) return proofs.isAbout(claims, address)
  const miss = (nth: number) => `proof ${claims.jti} miss ${nth}`
  if ((await store.consumptions.consumer(miss(maxMisses))) !== undefined) return false
  if (proofs.isAbout(claims, address)) return true
  const by = addressTag(ring.newest, address)
  const expiresAt = Math.max(claims.exp * 1000, clock.now() + rememberedMs)
  for (let nth = 1; nth <= maxMisses; nth++)
    if (await store.consumptions.consume({ thing: miss(nth), by, expiresAt })) break
  return false
}

const refused = (reason: ProofRefusal): ProofAnswer => ({ kind: 'refused', reason })

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
