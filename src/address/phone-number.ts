/** Phone numbers that can receive a code by SMS, with E.164 as their identity. */

import { plainMobileRegion } from './mobile-pattern.ts'
import { allowedRegion, isRefused, type NumberRules, noNumberRules } from './number-rules.ts'
import { modernForm } from './old-forms.ts'
import type { Parsed } from './parsed.ts'
import { phoneLibrary } from './phone-library.ts'
import { inPlainWidth } from './typed.ts'

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
const maxTextLength = 21

/**
 * Parses a mobile number. Never throws. Most numbers are recognised without the library's parser, see
 * `plainMobileRegion`.
 * @param typed  Full-width forms are read as the ASCII characters they stand for.
 * @param rules  The operator's own rules, besides the library's.
 */
export function parsePhoneNumber(typed: string, rules: NumberRules = noNumberRules): Parsed<PhoneNumber> {
  const text = inPlainWidth(typed)
  if (!text.startsWith('+')) return { kind: 'refused', reason: 'no-plus' }
  if (!plusAndDigits.test(text)) return { kind: 'refused', reason: 'characters' }
  if (text.length > maxTextLength) return { kind: 'refused', reason: 'length' }
  const region = plainMobileRegion(text.slice(1))
  const parsed = region === undefined ? fullyParsed(text) : known(text, region)
  if (parsed.kind === 'refused') return allowed(text, rules) ?? parsed
  return isRefused(parsed.address.e164, rules) ? { kind: 'refused', reason: 'not-allowed' } : parsed
}

/**
 * The answer of the library, in 5 to 13 µs. A number passes if it is valid and of a type that can get an SMS. The
 * library's weaker test, "possible", lets +86 numbers of 10 and 12 digits in. The parser drops a trunk zero
 * (`+860138…`), so the identity is its result and never the text. An old form passes as today's form.
 * @param text  A plus and digits, so that it can hold no extension.
 */
export function fullyParsed(text: string): Parsed<PhoneNumber> {
  const number = phoneLibrary().parsePhoneNumberFromString(text, { extract: false })
  // The library finds the type by trying the patterns of all types; undefined means that the number is not valid.
  const type = number?.getType()
  if (number?.country !== undefined && isMobile(type)) return known(number.number, number.country)
  if (number?.country !== undefined) {
    const modern = modernForm(number.country, number.nationalNumber)
    const again =
      modern &&
      phoneLibrary().parsePhoneNumberFromString(`+${number.countryCallingCode}${modern}`, { extract: false })
    if (again && again.country !== undefined && isMobile(again.getType()))
      return known(again.number, again.country)
  }
  const isValid = type !== undefined && number?.country !== undefined
  return { kind: 'refused', reason: isValid ? 'not-mobile' : 'not-valid' }
}

function isMobile(type: string | undefined): boolean {
  return type === 'MOBILE' || type === 'FIXED_LINE_OR_MOBILE'
}

function known(e164: string, region: string): Parsed<PhoneNumber> {
  return { kind: 'parsed', address: { kind: 'phone', e164, region } }
}

/** A number that the library refuses and the operator allows, in the library's form without its trunk zero. */
function allowed(text: string, rules: NumberRules): Parsed<PhoneNumber> | undefined {
  if (rules.allow.length === 0) return undefined
  const e164 = phoneLibrary().parsePhoneNumberFromString(text, { extract: false })?.number
  const region = e164 === undefined ? undefined : allowedRegion(e164, rules)
  return region === undefined ? undefined : known(e164 as string, region)
}
