/** The tag that stands for an address in the journal: only the key ring leads from an address to its tag. */

import type { KeyRing, RingKey } from './key-ring.ts'

const version = 'countersign-address-1'

/** 128 bits in base64url. @param address  The address's identity, see `addressKey`. */
export function addressTag(key: RingKey, address: string): string {
  // The version with its length in front keeps this MAC apart from those that codes are made from.
  const mac = key.codeMac(`${version.length}:${version}${address.length}:${address}`)
  return Buffer.from(mac.slice(0, 32), 'hex').toString('base64url')
}

/** The tags of an address under every key of the ring: each may have been the newest when an entry was written. */
export function addressTags({ keys }: KeyRing, address: string): readonly string[] {
  return [...keys.values()].map((key) => addressTag(key, address))
}
