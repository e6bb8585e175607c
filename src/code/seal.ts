/** Sealing of secrets that must be read back, such as app keys: AES-256-GCM under the key ring. */

import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import type { KeyRing } from './key-ring.ts'

/**
 * Seals a text for one purpose.
 * @param context  The owner of the text, e.g. `app:ID`. Opening needs the same context, so a sealed value that is copied
 *   to another row does not open there.
 * @returns `keyId.base64url(nonce ‖ ciphertext ‖ tag)`.
 */
export function seal(ring: KeyRing, plain: string, context: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', ring.newest.sealKey, nonce).setAAD(Buffer.from(context))
  const body = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${ring.newest.id}.${body.toString('base64url')}`
}

/**
 * Opens a value that `seal` made.
 * @returns undefined if the key is not in the ring, the context differs or the value was changed.
 */
export function open(ring: KeyRing, sealed: string, context: string): string | undefined {
  const dot = sealed.indexOf('.')
  const key = ring.keys.get(sealed.slice(0, dot))
  const encoded = sealed.slice(dot + 1)
  const body = Buffer.from(encoded, 'base64url')
  // Node reads over stray characters: without this, one sealed value would have many texts.
  if (!key || body.length < 28 || body.toString('base64url') !== encoded) return undefined
  try {
    const decipher = createDecipheriv('aes-256-gcm', key.sealKey, body.subarray(0, 12))
      .setAAD(Buffer.from(context))
      .setAuthTag(body.subarray(-16))
    return Buffer.concat([decipher.update(body.subarray(12, -16)), decipher.final()]).toString('utf8')
  } catch {
    return undefined // GCM gives no reason for a refusal; the caller treats all reasons alike
  }
}
