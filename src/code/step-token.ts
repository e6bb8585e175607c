/** Tokens between the steps of a flow without a login. They hold nothing but their end and a MAC, so nothing is stored for them. */

import { randomBytes } from 'node:crypto'
import { isSameSecret } from './constant-time.ts'
import type { KeyRing, RingKey } from './key-ring.ts'

/** p: of a puzzle · s: of its solution · c: of a right code. */
export type StepKind = 'p' | 's' | 'c'

/** An opened token. `id`: its own, of 64 random bits. `key`: the one that it was made under. */
export type Step = { readonly id: string; readonly key: RingKey; readonly expiresAt: number }

const randomLength = 8
/** 96 bits: a guess is right once in 10^28, and a token lives for minutes. */
const macLength = 12

/**
 * @param bound  What the next step must be about: the same texts open the token, and no others.
 * @returns 33 characters: its kind, and base64url of its end in seconds, its id and its MAC.
 */
export function makeStep(ring: KeyRing, kind: StepKind, expiresAt: number, bound: readonly string[]): string {
  const body = Buffer.alloc(4 + randomLength)
  body.writeUInt32BE(Math.floor(expiresAt / 1000))
  randomBytes(randomLength).copy(body, 4)
  return kind + Buffer.concat([body, macOf(ring.newest, kind, body, bound)]).toString('base64url')
}

/** @returns undefined if it is of another kind, about something else, over, or not of this server. */
export function openStep(
  ring: KeyRing,
  token: string,
  kind: StepKind,
  now: number,
  bound: readonly string[],
): Step | undefined {
  const bytes = Buffer.from(token.slice(1), 'base64url')
  // Node reads over stray characters: without this, one token would have many texts, and more than one use.
  const isWhole =
    bytes.length === 4 + randomLength + macLength && bytes.toString('base64url') === token.slice(1)
  if (token[0] !== kind || !isWhole) return undefined
  const body = bytes.subarray(0, 4 + randomLength)
  const mac = bytes.subarray(4 + randomLength).toString('hex')
  const expiresAt = body.readUInt32BE() * 1000
  const key = [...ring.keys.values()].find((one) =>
    isSameSecret(mac, macOf(one, kind, body, bound).toString('hex')),
  )
  return key && expiresAt > now ? { id: body.toString('hex', 4), key, expiresAt } : undefined
}

/** As JSON, so that no two lists give the same text. */
function macOf(key: RingKey, kind: StepKind, body: Buffer, bound: readonly string[]): Buffer {
  const text = JSON.stringify(['countersign-step-1', kind, body.toString('hex'), ...bound])
  return Buffer.from(key.codeMac(text), 'hex').subarray(0, macLength)
}
