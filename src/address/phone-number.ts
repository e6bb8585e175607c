/** Phone numbers: what may receive a code by SMS, as its E.164 identity. */

import { parsePhoneNumberFromString } from 'libphonenumber-js/max'
import { plainMobileRegion } from './mobile-pattern.ts'
import type { Parsed } from './parsed.ts'

export type PhoneNumber = {
  readonly kind: 'phone'
  /** E.164 with its plus, e.g. `+8613800138000`: the number's identity. */
  readonly e164: string
  /** ISO 3166-1 alpha-2 region, e.g. `CN`. */
  readonly region: string
}

/** A plus and ASCII digits, nothing else: no spaces, letters, extension, or digits of other scripts. */
const plusAndDigits = /^\+[0-9]+$/
/** E.164 allows 15 digits; a trunk or carrier prefix typed after the calling code may add a few. */
const longestText = 21

/**
 * Parses a mobile number. Never throws.
 * The plain case is recognised without the library's parser: see `plainMobileRegion`.
 */
export function parsePhoneNumber(text: string): Parsed<PhoneNumber> {
  if (!text.startsWith('+')) return { kind: 'refused', reason: 'no-plus' }
  if (!plusAndDigits.test(text)) return { kind: 'refused', reason: 'characters' }
  if (text.length > longestText) return { kind: 'refused', reason: 'length' }
  const region = plainMobileRegion(text.slice(1))
  return region === undefined
    ? fullyParsed(text)
    : { kind: 'parsed', address: { kind: 'phone', e164: text, region } }
}

/**
 * The library's answer, of 5 to 13 µs.
 * Only a number that is valid and of a type that can get an SMS passes: "possible" is not enough, it
 * lets 10- and 12-digit +86 numbers in. A trunk zero (`+860138…`) is dropped by the parser, so the
 * identity is its result, never the text.
 * @param text  A plus and digits, so that it can hold no extension.
 */
export function fullyParsed(text: string): Parsed<PhoneNumber> {
  const number = parsePhoneNumberFromString(text, { extract: false })
  // The type is found by matching the number against the patterns of each; undefined means not valid.
  const type = number?.getType()
  if (type === undefined || number?.country === undefined) return { kind: 'refused', reason: 'not-valid' }
  if (type !== 'MOBILE' && type !== 'FIXED_LINE_OR_MOBILE') return { kind: 'refused', reason: 'not-mobile' }
  return { kind: 'parsed', address: { kind: 'phone', e164: number.number, region: number.country } }
}
