/** How a code is made from its verification and a key. Codes are derived, never stored. */

import type { RingKey } from './key-ring.ts'

/** The things a code is bound to. A change in any of them gives an unrelated code. */
export type CodeSubject = {
  readonly id: string
  readonly tenant: string
  readonly app: string
  readonly subject: string
  /** The address's identity, see `addressKey`. */
  readonly address: string
  readonly purpose: string
}

const version = 'countersign-code-1'

/**
 * Derives the code of a verification: the first 128 bits of an HMAC-SHA-256, reduced to decimal
 * digits, as RFC 4226 makes a value from a MAC. The modulo bias is below 2^-94 at 10 digits.
 * @param digits  6 to 10.
 * @returns Exactly `digits` characters. It stays a string all the way to the phone, to keep its leading zeros.
 */
export function deriveCode(
  key: RingKey,
  subject: CodeSubject,
  digits: number,
  alphabet: keyof typeof alphabets = 'digits',
): string {
  const { tenant, app, id, subject: person, address, purpose } = subject
  const mac = key.codeMac(canonical([version, tenant, app, id, person, address, purpose]))
  const value = BigInt(`0x${mac.slice(0, 32)}`)
  if (alphabet === 'digits') return (value % 10n ** BigInt(digits)).toString().padStart(digits, '0')
  const letters = alphabets[alphabet]
  let [code, rest] = ['', value % BigInt(letters.length) ** BigInt(digits)]
  for (let i = 0; i < digits; i++) {
    code = letters[Number(rest % BigInt(letters.length))]! + code
    rest /= BigInt(letters.length)
  }
  return code
}

/** crockford: Douglas Crockford's Base 32, without I, L, O and U (crockford.com/base32.html). */
export const alphabets = { digits: '0123456789', crockford: '0123456789ABCDEFGHJKMNPQRSTVWXYZ' } as const

/** Fields, each with its length in front, so that no two different subjects give the same text. */
function canonical(fields: readonly string[]): string {
  // Joined, for a text put together by + is copied once more when it is read.
  return fields.map((field) => `${field.length}:${field}`).join('')
}
