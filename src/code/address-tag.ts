/** An address as the journal names it: found again by who has the key ring, and no address to anyone else. */

import { createHmac } from 'node:crypto'
import type { KeyRing, RingKey } from './key-ring.ts'

const version = 'countersign-address-1'

/** 128 bits in base64url. @param address  The address's identity, see `addressKey`. */
export function addressTag(key: RingKey, address: string): string {
  // The length before the version keeps it apart from what codes are made of.
  return createHmac('sha256', key.codeKey)
    .update(`${version.length}:${version}${address.length}:${address}`)
    .digest()
    .toString('base64url', 0, 16)
}

/** By every key that may have been the newest when it was written. */
export function addressTags({ keys }: KeyRing, address: string): readonly string[] {
  return [...keys.values()].map((key) => addressTag(key, address))
}
