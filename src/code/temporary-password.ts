/** Temporary passwords: derived from the id of the message that brings them, so that none is stored but as a hash. */

import type { RingKey } from './key-ring.ts'

// Without letters and digits that people take for each other, as i, l, 1, o and 0.
const letters = 'abcdefghjkmnpqrstuvwxyz'
const digits = '23456789'
/** Never four digits in a row, which a phone would offer as a code. */
const form = 'LLDL-LDLL-LLDL'

/**
 * @param messageId  See `newMessageId`: it has 80 random bits.
 * @returns Three groups, 14 characters, of some 50 bits. It passes the rules of `isStrongPassword`.
 */
export function temporaryPassword(key: RingKey, messageId: string): string {
  let rest = BigInt(`0x${key.codeMac(`countersign-temporary-password-1 ${messageId}`)}`)
  const next = (alphabet: string) => {
    const size = BigInt(alphabet.length)
    const character = alphabet[Number(rest % size)]!
    rest /= size
    return character
  }
  return form.replace(/[LD]/g, (place) => next(place === 'L' ? letters : digits))
}
