/** The secret of a verification: who has it beside the id may check a code without an API key. Derived, never stored. */

import { isSameSecret } from './constant-time.ts'
import type { KeyRing, RingKey } from './key-ring.ts'

const version = 'countersign-secret-1'

/** `vs_` and 128 bits in base64url. @param key  The ring key of the verification. */
export function secretOf(key: RingKey, id: string): string {
  // The version with its length in front keeps this MAC apart from those that codes are made from.
  const mac = key.codeMac(`${version.length}:${version}${id.length}:${id}`)
  return `vs_${Buffer.from(mac.slice(0, 32), 'hex').toString('base64url')}`
}

/** Whether the secret is that of the id under any key of the ring. Asks no store, and takes the same time for any secret. */
export function isSecretOf({ keys }: KeyRing, id: string, secret: string): boolean {
  let isOne = false
  for (const key of keys.values()) if (isSameSecret(secret, secretOf(key, id))) isOne = true
  return isOne
}
