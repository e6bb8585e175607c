/** The key ring: secret keys by id. The newest makes codes, all of them check codes. */

import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { hmacSha256 } from './hmac.ts'

/** The keys derived from one master key, one for each use, so that no use weakens another. */
export type RingKey = {
  readonly id: string
  /** When it was made, at the latest, ms since the epoch; null: its id is of the operator's own choice. */
  readonly madeAt: number | null
  /** The HMAC-SHA-256 that codes are made of, as hex. A function, so that no dump of this record shows the key. */
  readonly codeMac: (text: string) => string
  /** Seals secrets at rest (AES-256-GCM, 32 bytes). */
  readonly sealKey: KeyObject
  /** A secret for proof tokens, one for each use of it. */
  readonly proofSecret: (use: string, bytes: number) => Buffer
  /** 32 bytes in base64url, for the MACs of the audit. */
  readonly auditSecret: () => string
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

/** A new line for a ring. Append it: the last key is the newest. Its id has the minute of its making (UTC). */
export function newKeyLine(createdAt: Date): string {
  const [date, time] = createdAt.toISOString().split('T') as [string, string]
  const id = `k${date.replaceAll('-', '')}-${time.slice(0, 5).replace(':', '')}-${randomBytes(3).toString('hex')}`
  return `${id}:${randomBytes(32).toString('base64url')}`
}

const datedId = /^k(\d{4})(\d{2})(\d{2})(?:-(\d{2})(\d{2}))?-[0-9a-f]{6}$/

/** The end of the minute in an id; of the day, if the id was made by an earlier version and has no more. */
function madeAtOf(id: string): number | null {
  const match = datedId.exec(id)
  if (!match) return null
  const [, year, month, day, hour, minute] = match
  const isExact = hour !== undefined
  const start = Date.parse(`${year}-${month}-${day}T${isExact ? `${hour}:${minute}` : '00:00'}:00Z`)
  return Number.isNaN(start) ? null : start + (isExact ? 60_000 : 86_400_000)
}

function ringKey(id: string, master: Buffer): RingKey {
  const derived = (secret: Buffer, use: string, bytes = 32) =>
    Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `countersign ${use} v1`, bytes))
  const proofs = derived(master, 'proof')
  return {
    id,
    madeAt: madeAtOf(id),
    codeMac: hmacSha256(derived(master, 'code')),
    sealKey: createSecretKey(derived(master, 'seal')),
    proofSecret: (use, bytes) => derived(proofs, `proof ${use}`, bytes),
    auditSecret: () => derived(master, 'audit').toString('base64url'),
  }
}
