/**
 * The challenge of a held verification: a proof of work in the form of ALTCHA. It is derived from the verification and a
 * ring key, so nothing of it is stored; the state of the verification takes each solution once.
 */

import type { RingKey } from '../code/key-ring.ts'
import type { Verification } from '../verification/verification.ts'

export type PowChallenge = {
  readonly kind: 'pow'
  readonly algorithm: 'SHA-256'
  /** The number to be found is between 0 and `max`: SHA-256 of salt and number, in hex, is `challenge`. */
  readonly salt: string
  readonly challenge: string
  readonly signature: string
  readonly max: number
  /** Engine time, ms. */
  readonly expiresAt: number
}

/** How long a verification is held. */
export const challengeMs = 600_000
/** Half of it is tried on average: some tenths of a second on a phone. */
const maxNumber = 200_000

const version = 'countersign-pow-1'

/** @param key  The ring key of the verification. */
export async function challengeOf(
  key: RingKey,
  { id, expiresAt }: Pick<Verification, 'id' | 'expiresAt'>,
): Promise<PowChallenge> {
  const salt = `${macOf(key, 'salt', id).slice(0, 32)}?expires=${Math.floor(expiresAt / 1000)}&verification=ver_${id}`
  // Loaded when a verification is first held, because most never are.
  const { createChallenge } = await import('altcha-lib/v1')
  const made = await createChallenge({
    algorithm: 'SHA-256',
    hmacKey: macOf(key, 'sign', id),
    maxNumber,
    number: Number.parseInt(macOf(key, 'number', id).slice(0, 12), 16) % (maxNumber + 1),
    salt,
  })
  const { challenge, signature } = made
  return {
    kind: 'pow',
    algorithm: 'SHA-256',
    salt: made.salt,
    challenge,
    signature,
    max: maxNumber,
    expiresAt,
  }
}

/**
 * @param record  While it is held.
 * @param payload  The solution as ALTCHA's widget gives it: base64 of JSON with the challenge's members and `number`.
 */
export async function isSolution(key: RingKey, record: Verification, payload: string): Promise<boolean> {
  const { number } = solutionIn(payload)
  if (typeof number !== 'number' || !Number.isSafeInteger(number)) return false
  const { algorithm, challenge, salt, signature } = await challengeOf(key, record)
  // The time is the record's, by the engine's clock.
  const hmacKey = macOf(key, 'sign', record.id)
  const { verifySolution } = await import('altcha-lib/v1')
  return verifySolution({ algorithm, challenge, number, salt, signature }, hmacKey, false)
}

function macOf(key: RingKey, use: string, id: string): string {
  return key.codeMac(`${version.length}:${version}${use.length}:${use}${id}`)
}

function solutionIn(payload: string): { readonly number?: unknown } {
  try {
    const solution: unknown = JSON.parse(Buffer.from(payload, 'base64').toString('utf8'))
    return typeof solution === 'object' && solution !== null ? solution : {}
  } catch {
    return {}
  }
}
