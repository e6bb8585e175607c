/** The reference in the notice of a change: it proves nothing, but has an allowance of codes that strangers cannot use up. */

import { type Address, addressKey } from '../address/address.ts'
import { addressTag } from '../code/address-tag.ts'
import type { KeyRing } from '../code/key-ring.ts'

/** Eight letters, because phones take groups of digits for a code. */
export function undoReference({ newest }: Pick<KeyRing, 'newest'>, address: Address): string {
  const tag = Buffer.from(addressTag(newest, `undo ${addressKey(address)}`), 'base64url')
  return Array.from(tag.subarray(0, 8), (byte) => letters[byte % letters.length]).join('')
}

/** Without vowels, i, l and o: nothing that reads as a word, and nothing that looks like another. */
const letters = 'bcdfghjkmnpqrstvwxz'
