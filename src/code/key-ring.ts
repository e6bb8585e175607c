/** The key ring: secret keys by id. The newest makes codes, all of them check codes. */

import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { hmacSha256 } from './hmac.ts'

/** The two keys derived from one master key, one for each use, so that neither use weakens the other. */
export type RingKey = {
  readonly id: string
  /** The HMAC-SHA-256 that codes are made of, as hex. A function, so that no dump of this record shows the key. */
  readonly codeMac: (text: string) => string
  /** Seals secrets at rest (AES-256-GCM, 32 bytes). */
  readonly sealKey: KeyObject
}

export type KeyRing = {
  readonly newest: RingKey
  readonly keys: ReadonlyMap<string, RingKey>
}

/** A ring whose keys can be replaced in place, for all who hold it. */
export type RenewableRing = KeyRing & { replaceBy(ring: KeyRing): void }

export function renewableRing(first: KeyRing): RenewableRing {
  let ring = first
  return {
    get newest() {
      return ring.newest
    },
    get keys() {
      return ring.keys
    },
    replaceBy(next) {
      ring = next
    },
  }
}

const keyLine = /^([a-z0-9][a-z0-9-]{0,31}):([A-Za-z0-9_-]{43})$/

/**
 * Reads a key ring: one `id:key` on each line, the oldest first; `#` starts a comment. A key is 32 bytes in base64url
 * (43 characters).
 * @throws RangeError naming the line at fault, never its content.
 */
export function parseKeyRing(text: string): KeyRing {
  const keys = new Map<string, RingKey>()
  let newest: RingKey | undefined
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const match = keyLine.exec(line)
    if (!match)
      throw new RangeError(`line ${index + 1}: expected "id:key" with a base64url key of 43 characters`)
    const [, id, encoded] = match as unknown as [string, string, string]
    if (keys.has(id)) throw new RangeError(`line ${index + 1}: key id "${id}" appears twice`)
    newest = ringKey(id, Buffer.from(encoded, 'base64url'))
    keys.set(id, newest)
  }
  if (!newest) throw new RangeError('no key: a ring needs at least one "id:key" line')
  return { newest, keys }
}

/** A new line for a ring. Append it: the last key is the newest. */
export function newKeyLine(createdAt: Date): string {
  const id = `k${createdAt.toISOString().slice(0, 10).replaceAll('-', '')}-${randomBytes(3).toString('hex')}`
  return `${id}:${randomBytes(32).toString('base64url')}`
}

function ringKey(id: string, master: Buffer): RingKey {
  const derive = (use: string) =>
    Buffer.from(hkdfSync('sha256', master, Buffer.alloc(0), `countersign ${use} v1`, 32))
  return { id, codeMac: hmacSha256(derive('code')), sealKey: createSecretKey(derive('seal')) }
}
