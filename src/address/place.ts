/** Where the records of an address lie if a store spreads them over shards: the same place for all of them. */

import { hash } from 'node:crypto'
import { limiterKeyOf } from './address.ts'

/** Places there are. Engines with fewer shards put several in each. */
export const places = 4096

/**
 * The place of an address, from 0 to `places` - 1. Twelve bits of a digest of 256: enough to find a record by,
 * and no more of the address than one in 4096 shares.
 * @param key  Its identity, see `addressKey`. All that is limited as one lies in one place.
 */
export function placeOf(key: string): number {
  // As text, which costs a quarter of a buffer: every issue asks.
  return Number.parseInt(hash('sha256', limiterKeyOf(key), 'hex').slice(0, 3), 16)
}

/** @param digest  SHA-256 of what is placed; of an address, of its limiter key. */
export function placeOfDigest(digest: Uint8Array): number {
  return (digest[0]! << 4) | (digest[1]! >> 4)
}
