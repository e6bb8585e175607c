/** The keys that sign proof tokens: derived from the key ring, one pair for each ring key, and which of them sign when. */

import {
  createECDH,
  createPrivateKey,
  createPublicKey,
  hash,
  type KeyObject,
  sign as signBytes,
} from 'node:crypto'
import type { KeyRing, RingKey } from './key-ring.ts'

/** Ed25519 (RFC 8037), or ECDSA on P-256 with SHA-256 (RFC 7518 3.4) for verifiers that know no Ed25519. */
export const proofAlgorithms = ['EdDSA', 'ES256'] as const
export type ProofAlgorithm = (typeof proofAlgorithms)[number]

export type ProofKey = {
  /** The thumbprint of the public key (RFC 7638), which shows nothing of the ring key's id. */
  readonly kid: string
  readonly algorithm: ProofAlgorithm
  readonly publicKey: KeyObject
  /** The public key as verifiers read it. */
  readonly jwk: Readonly<Record<string, string>>
  /** @returns The signature in base64url, as a JWS has it. */
  sign(text: string): string
}

/** How long verifiers may keep the published keys. */
export const publishedKeysMaxAgeMs = 600_000
/** How long a key is still published after it signed for the last time: twice the longest life of a proof token. */
const overlapMs = 48 * 3_600_000

/**
 * The key that signs at a time: the newest that every verifier knows by now. A key is published from its making on; one
 * whose making is unknown signs at once, and so does the only one.
 */
export function signingKey(ring: KeyRing, algorithm: ProofAlgorithm, now: number): ProofKey {
  const keys = [...ring.keys.values()]
  return proofKeyOf(keys.findLast((key) => signsFrom(key) <= now) ?? keys[0]!, algorithm)
}

/**
 * The keys whose proof tokens are valid: those in the ring that may sign, may soon sign, or signed in the last 48 hours.
 * A key whose successors were made at an unknown time stays as long as it is in the ring.
 */
export function publishedKeys(ring: KeyRing, algorithm: ProofAlgorithm, now: number): readonly ProofKey[] {
  const keys = [...ring.keys.values()]
  return keys
    .filter((_, nth) => {
      const endedAt = Math.min(...keys.slice(nth + 1).map(({ madeAt }) => signingAt(madeAt) ?? Infinity))
      return now < endedAt + overlapMs
    })
    .map((key) => proofKeyOf(key, algorithm))
}

function signsFrom({ madeAt }: RingKey): number {
  return signingAt(madeAt) ?? 0
}

function signingAt(madeAt: number | null): number | undefined {
  return madeAt === null ? undefined : madeAt + publishedKeysMaxAgeMs
}

const known = new WeakMap<RingKey, Map<ProofAlgorithm, ProofKey>>()

/** The same key for the same ring key on every server. It is derived once. */
function proofKeyOf(key: RingKey, algorithm: ProofAlgorithm): ProofKey {
  const made = known.get(key) ?? new Map<ProofAlgorithm, ProofKey>()
  known.set(key, made)
  const proofKey = made.get(algorithm) ?? derivedFrom(key, algorithm)
  made.set(algorithm, proofKey)
  return proofKey
}

function derivedFrom(key: RingKey, algorithm: ProofAlgorithm): ProofKey {
  const privateKey = algorithm === 'EdDSA' ? ed25519Key(key) : p256Key(key)
  const publicKey = createPublicKey(privateKey)
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' }) as Record<string, string>
  // The members that RFC 7638 takes, in its order.
  const members = { crv: crv!, kty: kty!, x: x!, ...(y !== undefined && { y }) }
  const kid = hash('sha256', JSON.stringify(members), 'base64url')
  return {
    kid,
    algorithm,
    publicKey,
    jwk: { ...members, kid, alg: algorithm, use: 'sig' },
    sign: (text) =>
      (algorithm === 'EdDSA'
        ? signBytes(null, Buffer.from(text), privateKey)
        : signBytes('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
      ).toString('base64url'),
  }
}

/** A private key of Ed25519 is any 32 bytes (RFC 8032 5.1.5). In front of them stands what RFC 8410 puts there. */
function ed25519Key(key: RingKey): KeyObject {
  const der = Buffer.concat([
    Buffer.from('302e020100300506032b657004220420', 'hex'),
    key.proofSecret('ed25519', 32),
  ])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
}

/** The order of P-256 (SP 800-186 3.2.1.3). */
const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** FIPS 186-5 A.2.1: 64 bits more than the order has, so that the remainder is as good as uniform. */
function p256Key(key: RingKey): KeyObject {
  const scalar = (BigInt(`0x${key.proofSecret('p256', 40).toString('hex')}`) % (p256Order - 1n)) + 1n
  const secret = Buffer.from(scalar.toString(16).padStart(64, '0'), 'hex')
  const curve = createECDH('prime256v1')
  curve.setPrivateKey(secret)
  const point = curve.getPublicKey() // 04 ‖ x ‖ y
  const text = (bytes: Buffer) => bytes.toString('base64url')
  const jwk = {
    kty: 'EC',
    crv: 'P-256',
    d: text(secret),
    x: text(point.subarray(1, 33)),
    y: text(point.subarray(33)),
  }
  return createPrivateKey({ key: jwk, format: 'jwk' })
}
