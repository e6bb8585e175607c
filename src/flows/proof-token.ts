/** Proof tokens: signed statements that a verification succeeded, for programs that only know this server's URL. */

import { createHmac } from 'node:crypto'
import type { KeyRing } from '../code/key-ring.ts'
import {
  type ProofAlgorithm,
  type ProofKey,
  publishedKeys,
  publishedKeysMaxAgeMs,
  signingKey,
} from '../code/proof-keys.ts'
import { wordOf } from '../verification/subject.ts'
import type { ProofTokenPolicy } from './policy.ts'

/** A verification that has just succeeded. */
export type Proved = {
  readonly id: string
  readonly app: string
  readonly subject: string
  /** The address's identity, see `addressKey`. */
  readonly address: string
  readonly purpose: string
  readonly isTest: boolean
  /** The channel that brought the code. */
  readonly channel: string
  /** Engine time, ms. */
  readonly usedAt: number
  readonly audience?: string | undefined
  readonly nonce?: string | undefined
  /** The form that its caller wants in place of the policy's. */
  readonly form?: 'plain' | 'hashed' | undefined
  /** Asked for with a test key, so that its code proves nothing. */
  readonly byTestKey?: boolean | undefined
}

export type ProofToken = { readonly proof: string; readonly expiresAt: number }

/** The statements of a token: RFC 7519, OpenID Connect Core 5.1, and RFC 8176 for `amr`. Times are in seconds. */
export type ProofClaims = {
  readonly iss: string
  readonly aud: string
  /** The caller's own word for the person; absent if it gave none. */
  readonly sub?: string
  readonly iat: number
  readonly exp: number
  readonly jti: string
  /** The app that asked for the verification. */
  readonly azp: string
  readonly purpose: string
  readonly amr: readonly string[]
  readonly phone_number?: string
  readonly phone_number_verified?: true
  readonly email?: string
  readonly email_verified?: true
  readonly address_hash?: string
  readonly nonce?: string
  readonly is_test?: true
}

export type ProofTokens = ReturnType<typeof createProofTokens>

/** Those of a call, `tel` of RFC 8176, are the only ones there with another name than ours. */
const methodOf = (channel: string) => (channel === 'voice' ? 'tel' : channel)

/** What a test key proves is no proof to whoever waits for one: its audience is never the one that programs expect. */
export const testAudiencePrefix = 'test:'
const testAudience = (audience: string) => testAudiencePrefix + audience

/** Whether a test key asked for it. Not `is_test`, which the tokens of live keys for test addresses have too. */
export function isForTests({ aud }: Pick<ProofClaims, 'aud'>): boolean {
  return aud.startsWith(testAudiencePrefix)
}

/**
 * @param publicUrl  The URL of this server as its callers know it; null: none is known, and no tokens are made.
 * @param algorithm  All tokens are signed by it.
 */
export function createProofTokens(ring: KeyRing, publicUrl: () => string | null, algorithm: ProofAlgorithm) {
  const headers = new WeakMap<ProofKey, string>()

  function headerOf(key: ProofKey): string {
    const known = headers.get(key)
    if (known !== undefined) return known
    const header = encoded({ alg: key.algorithm, typ: 'JWT', kid: key.kid })
    headers.set(key, header)
    return header
  }

  return {
    algorithm,
    publicUrl,

    /**
     * The token of a verification, the same for the same verification as long as its key signs by Ed25519. Signed here,
     * because `jose` takes twice the time (docs/speed.md).
     * @returns null if the policy wants none, or no public URL is known.
     */
    of(proved: Proved, policy: ProofTokenPolicy): ProofToken | null {
      const iss = publicUrl()
      if (policy.form === 'none' || iss === null) return null
      const iat = Math.floor(proved.usedAt / 1000)
      const exp = iat + Math.floor(policy.lifetimeMs / 1000)
      const audience = proved.audience ?? proved.app
      const aud = proved.byTestKey ? testAudience(audience) : audience
      const sub = wordOf(proved.subject)
      const form = proved.form ?? policy.form
      const claims: ProofClaims = {
        iss,
        aud,
        ...(sub !== undefined && { sub }),
        iat,
        exp,
        jti: `ver_${proved.id}`,
        azp: proved.app,
        purpose: proved.purpose,
        amr: ['otp', methodOf(proved.channel)],
        ...(form === 'hashed'
          ? { address_hash: addressHash(ring, { azp: proved.app, aud }, proved.address) }
          : addressClaims(proved.address)),
        ...(proved.nonce !== undefined && { nonce: proved.nonce }),
        ...((proved.isTest || proved.byTestKey) && { is_test: true }),
      }
      const key = signingKey(ring, algorithm, proved.usedAt)
      const text = `${headerOf(key)}.${encoded(claims)}`
      return { proof: `${text}.${key.sign(text)}`, expiresAt: exp * 1000 }
    },

    /** The keys whose tokens are valid at a time. */
    keys: (now: number): readonly ProofKey[] => publishedKeys(ring, algorithm, now),

    /** How long verifiers may keep the JWK Set. */
    keySetMaxAgeS: publishedKeysMaxAgeMs / 1000,

    /** The same keys as a JWK Set (RFC 7517). */
    keySet: (now: number) => ({ keys: publishedKeys(ring, algorithm, now).map(({ jwk }) => jwk) }),

    /** Whether a token is about an address. */
    isAbout(claims: ProofClaims, address: string): boolean {
      if (claims.address_hash !== undefined) return claims.address_hash === addressHash(ring, claims, address)
      const { phone_number, email } = addressClaims(address)
      return claims.phone_number === phone_number && claims.email === email
    },
  }
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** @param key  The address's identity. */
function addressClaims(
  key: string,
): Pick<ProofClaims, 'phone_number' | 'phone_number_verified' | 'email' | 'email_verified'> {
  const text = key.slice(key.indexOf(':') + 1)
  return key.startsWith('tel:')
    ? { phone_number: text, phone_number_verified: true }
    : { email: text, email_verified: true }
}

/**
 * The HMAC of an address under the salt of an app and an audience: the audience knows the same address again, and two
 * cannot compare. The salt is of the oldest key of the ring, so that a rotation changes no hash.
 */
function addressHash(ring: KeyRing, { azp, aud }: Pick<ProofClaims, 'azp' | 'aud'>, address: string): string {
  const oldest = ring.keys.values().next().value ?? ring.newest
  const salt = createHmac('sha256', oldest.proofSecret('address-hash', 32))
    .update(JSON.stringify([azp, aud]))
    .digest()
  return createHmac('sha256', salt).update(address).digest('base64url')
}
