/** The part of `doctor` about number prefixes in the settings: the effect of each, and whether it is still needed. */

import type { AllowedPrefix, NumberRules } from '../address/number-rules.ts'
import { parsePhoneNumber } from '../address/phone-number.ts'

export function numbersOf({ allow, refuse }: NumberRules): string {
  if (allow.length === 0 && refuse.length === 0) return 'as the built-in metadata knows them'
  const told = [
    ...allow.map(
      (one) =>
        `${one.prefix} (${one.region}) is taken${isKnown(one) ? ', which needs no setting by now' : ''}`,
    ),
    ...refuse.map((prefix) => `${prefix} is refused`),
  ]
  return told.join('; ')
}

/** Tries every digit after the prefix; further digits hardly ever matter. */
function isKnown({ prefix, lengths }: AllowedPrefix): boolean {
  return lengths.some((length) =>
    [...'0123456789'].every((digit) => {
      const number = (prefix + digit).padEnd(length, '5').slice(0, length)
      return parsePhoneNumber(number).kind === 'parsed'
    }),
  )
}
