/** Checks a proof by itself: a token that the server signed when a code was used, by the keys that it publishes. */

import type { ProofClaims } from './api.ts'
import { bytesOf, bytesOfBase64 } from './bytes.ts'
import { CountersignError } from './errors.ts'
import { call } from './transport.ts'

export type ProofCheck = {
  /** Where the keys are: the server, as the caller knows it. */
  readonly url: string
  /** Whom the proof is for: the app's id, or what the start asked for. */
  readonly audience: string
  /** The public URL of the server, if that is another one than `url`. */
  readonly issuer?: string | undefined
  /** What the start gave, if it gave one. */
  readonly nonce?: string | undefined
  /** Seconds between the clocks. Default 5. */
  readonly toleranceS?: number | undefined
  readonly fetch?: typeof fetch | undefined
}

type Jwk = { readonly kid?: string; readonly kty: string; readonly crv?: string }
type Keys = { readonly readAt: number; readonly jwks: Promise<readonly Jwk[]> }

/** A key is withdrawn within this time. */
const maxAgeMs = 600_000
/** Whoever makes up ids of keys does not make us ask the server for each. */
const minAgeMs = 30_000

const algorithms = {
  EdDSA: { crv: 'Ed25519', by: { name: 'Ed25519' } },
  ES256: { crv: 'P-256', by: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } },
} as const

const known = new Map<string, Keys>()

/**
 * Needs the server for its keys alone, at most every ten minutes. It does not see whether the proof was used before:
 * that is `proofs.consume`.
 * @throws CountersignError `proof` if it does not hold; `connection` if the keys are not to be had.
 */
export async function verifyProof(token: string, check: ProofCheck): Promise<ProofClaims> {
  const { audience, issuer = check.url, nonce, toleranceS = 5 } = check
  const [head = '', body = '', signature = '', ...more] = token.split('.')
  const { alg, kid, crit } = jsonOf(head) as { alg?: string; kid?: string; crit?: unknown }
  const algorithm = Object.hasOwn(algorithms, alg ?? '')
    ? algorithms[alg as keyof typeof algorithms]
    : undefined
  const signed = bytesOfBase64(signature)
  if (!algorithm || !signed || !kid || crit !== undefined || more.length > 0)
    throw refused('it is no token of such a server')
  const jwk = await keyOf(kid, check)
  if (jwk?.crv !== algorithm.crv) throw refused('no key of the server has its id')
  const key = await crypto.subtle.importKey('jwk', jwk, algorithm.by, false, ['verify'])
  if (!(await crypto.subtle.verify(algorithm.by, key, signed, bytesOf(`${head}.${body}`))))
    throw refused('its signature is wrong')
  const claims = jsonOf(body) as ProofClaims
  if (withoutSlash(claims.iss) !== withoutSlash(issuer)) throw refused('another server issued it')
  if (![claims.aud].flat().includes(audience)) throw refused('it is for another audience')
  if (!(claims.exp > Date.now() / 1000 - toleranceS)) throw refused('it has expired')
  if (nonce !== undefined && claims.nonce !== nonce) throw refused('its nonce is another one')
  return claims
}

async function keyOf(kid: string, check: ProofCheck): Promise<Jwk | undefined> {
  const age = Date.now() - (known.get(check.url)?.readAt ?? 0)
  const found = age < maxAgeMs && (await find(kid, check.url))
  if (!found && age > minAgeMs) read(check)
  return found || find(kid, check.url)
}

async function find(kid: string, url: string): Promise<Jwk | undefined> {
  return (await known.get(url)?.jwks)?.find((one) => one.kid === kid)
}

/** Read once for all that ask meanwhile. */
function read({ url, fetch }: ProofCheck): void {
  const options = { url, fetch }
  const jwks = call<{ keys: Jwk[] }>(options, 'GET', '/.well-known/jwks.json').then(({ keys }) => keys)
  const entry = { readAt: Date.now(), jwks }
  known.set(url, entry)
  jwks.catch(() => known.get(url) === entry && known.delete(url))
}

function jsonOf(part: string): object {
  try {
    const read = JSON.parse(new TextDecoder().decode(bytesOfBase64(part)))
    if (typeof read === 'object' && read !== null) return read
  } catch {
    // told below
  }
  throw refused('it is no token')
}

const withoutSlash = (url: unknown) => `${url}`.replace(/\/$/, '')

function refused(why: string): CountersignError {
  return new CountersignError(`the proof is refused: ${why}`, { type: 'proof' })
}
