/**
 * The reference in the notice of a change: it proves nothing, but has a code, submissions and an allowance of codes of its
 * own, which strangers cannot use up.
 */

import { type Address, addressKey } from '../address/address.ts'
import { addressTag } from '../code/address-tag.ts'
import { isSameSecret } from '../code/constant-time.ts'
import type { KeyRing, RingKey } from '../code/key-ring.ts'

/** Eight letters, because phones take groups of digits for a code. */
export function undoReference({ newest }: Pick<KeyRing, 'newest'>, address: Address): string {
  return referenceBy(newest, address)
}

/** Whether it is the reference of a notice to the address, under any key of the ring. */
export function isUndoReference({ keys }: Pick<KeyRing, 'keys'>, address: Address, given: string): boolean {
  const known = [...keys.values()].map((key) => isSameSecret(given, referenceBy(key, address)))
  return known.includes(true)
}

function referenceBy(key: RingKey, address: Address): string {
  const tag = Buffer.from(addressTag(key, `undo ${addressKey(address)}`), 'base64url')
  return Array.from(tag.subarray(0, 8), (byte) => letters[byte % letters.length]).join('')
}

/** Without vowels, i, l and o: nothing that reads as a word, and nothing that looks like another. */
const letters = 'bcdfghjkmnpqrstvwxz'
