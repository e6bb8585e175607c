/** The part of all addresses that one belongs to: what a store that is spread over shards keeps together. */

import { hash } from 'node:crypto'
import { limiterKeyOf } from './address.ts'

/** So many there are. Engines with fewer shards keep several in each. */
export const partitions = 4096

/**
 * The partition of an address, from 0 to `partitions` - 1. Twelve bits of a digest of 256: enough to find a record
 * by, and no more of the address than one in 4096 shares.
 * @param key  Its identity, see `addressKey`. All that is limited as one is in one partition.
 */
export function partitionOf(key: string): number {
  // As text, which costs a quarter of a buffer: every issue asks.
  return Number.parseInt(hash('sha256', limiterKeyOf(key), 'hex').slice(0, 3), 16)
}

/** @param digest  SHA-256; of an address, of its limiter key. */
export function partitionOfDigest(digest: Uint8Array): number {
  return (digest[0]! << 4) | (digest[1]! >> 4)
}
