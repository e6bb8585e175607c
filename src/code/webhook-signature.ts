/** The signatures of standardwebhooks.com 1.0.0 over id, time and body: `v1` by HMAC-SHA-256, `v1a` by Ed25519. */

import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import { randomHex } from '../random.ts'

/** The part of a secret that names its kind, and how the secrets of each begin. */
const prefixes = { secret: 'whsec_', privateKey: 'whsk_', publicKey: 'whpk_' } as const

/** What stands before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410 7). */
const pkcs8Head = Buffer.from('302e020100300506032b657004220420', 'hex')

/** A new secret of 256 random bits; the specification asks for 192 to 512. */
export function newWebhookSecret(): string {
  return prefixes.secret + Buffer.from(randomHex(32), 'hex').toString('base64')
}

/** A new private key for `v1a`. */
export function newWebhookKey(): string {
  const { d } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  return prefixes.privateKey + Buffer.from(d!, 'base64url').toString('base64')
}

/** The public key that checks what a private key signs, in the form `whpk_…`. */
export function publicWebhookKey(privateKey: string): string {
  const { x } = createPublicKey(readPrivateKey(privateKey)).export({ format: 'jwk' })
  return prefixes.publicKey + Buffer.from(x!, 'base64url').toString('base64')
}

/** @param secret  Base64, with or without `whsec_` in front. */
export function webhookSignature(
  secret: string,
  id: string,
  timestamp: string,
  body: string | Uint8Array,
): string {
  return hmac(Buffer.from(secret.replace(/^whsec_/, ''), 'base64'), id, timestamp, body)
}

function hmac(key: Buffer, id: string, timestamp: string, body: string | Uint8Array): string {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')
}

/** Makes the value of `webhook-signature`, one signature for each secret. Keys are read once, and not for each body. */
export function webhookSigner(
  secrets: readonly string[],
  privateKey: string | null,
): (id: string, timestamp: string, body: string) => string {
  const keys = secrets.map((secret) => Buffer.from(secret.replace(/^whsec_/, ''), 'base64'))
  const asymmetric = privateKey === null ? null : readPrivateKey(privateKey)
  return (id, timestamp, body) =>
    [
      ...keys.map((key) => `v1,${hmac(key, id, timestamp, body)}`),
      ...(asymmetric ? [`v1a,${ed25519(asymmetric, `${id}.${timestamp}.${body}`)}`] : []),
    ].join(' ')
}

function ed25519(key: KeyObject, text: string): string {
  return sign(null, Buffer.from(text), key).toString('base64')
}

function readPrivateKey(text: string): KeyObject {
  const seed = Buffer.from(text.slice(prefixes.privateKey.length), 'base64')
  return createPrivateKey({ key: Buffer.concat([pkcs8Head, seed]), format: 'der', type: 'pkcs8' })
}
