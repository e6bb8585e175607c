/** Partitions of all addresses: a store with shards keeps everything about one partition on one shard. */

import { hash } from 'node:crypto'
import { limiterKeyOf } from './address.ts'

/** The number of partitions. An engine with fewer shards keeps several partitions on each. */
export const partitions = 4096

/**
 * The partition of an address, from 0 to `partitions` - 1: twelve bits of a digest of 256. They are enough to find the
 * shard of a record, and show no more of the address than every 4096th address shares.
 * @param key  The address's identity, see `addressKey`. Addresses with the same limiter key have the same partition.
 */
export function partitionOf(key: string): number {
  // Hashed to text, which costs a quarter of hashing to a buffer: every issue needs it.
  return Number.parseInt(hash('sha256', limiterKeyOf(key), 'hex').slice(0, 3), 16)
}

/** @param digest  SHA-256; of an address, of its limiter key. */
export function partitionOfDigest(digest: Uint8Array): number {
  return (digest[0]! << 4) | (digest[1]! >> 4)
}
