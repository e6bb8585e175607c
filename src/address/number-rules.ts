/** An operator's own rules about phone numbers, besides the library's: prefixes to accept, and prefixes to refuse. */

import { callingCodeIn, mobileLengthsOf } from './mobile-pattern.ts'

export type NumberRules = {
  /** Prefixes of ranges that are too new for the library's metadata. */
  readonly allow: readonly AllowedPrefix[]
  /** E.164 with the plus. */
  readonly refuse: readonly string[]
}

export type AllowedPrefix = {
  /** E.164 with the plus. */
  readonly prefix: string
  /** ISO 3166-1 alpha-2. */
  readonly region: string
  /** Characters of a whole number, the plus included: those of the region's mobile numbers. */
  readonly lengths: readonly number[]
}

export const noNumberRules: NumberRules = { allow: [], refuse: [] }

/**
 * Reads an entry of the settings: `+86149`, or `+1436:CA` for a region that is not the main one of its calling code.
 * @returns A sentence about the problem if the entry cannot work.
 */
export function allowedPrefixIn(entry: string): AllowedPrefix | string {
  const [, prefix = '', stated] = /^(\+[1-9][0-9]{1,13})(?::([A-Z]{2}))?$/.exec(entry) ?? []
  if (prefix === '')
    return 'must be a prefix with its plus, such as +86149, or with a region, such as +1436:CA'
  const calling = callingCodeIn(prefix.slice(1))
  if (!calling) return 'begins with no calling code'
  if (prefix.length <= calling.code.length + 1)
    return `is all of +${calling.code}; add digits, or state a longer prefix`
  const region = stated ?? calling.regions[0]!
  if (!calling.regions.includes(region))
    return `+${calling.code} is not of ${region}; known: ${calling.regions.join(', ')}`
  const lengths = mobileLengthsOf(region).map((national) => 1 + calling.code.length + national)
  return lengths.length > 0 ? { prefix, region, lengths } : `${region} has no mobile numbers`
}

/** The longest prefix wins; of equal ones the refusal. */
export function isRefused(e164: string, { refuse, allow }: NumberRules): boolean {
  const refused = longest(e164, refuse)
  return (
    refused > 0 &&
    refused >=
      longest(
        e164,
        allow.map(({ prefix }) => prefix),
      )
  )
}

/** @returns undefined if the number is not allowed, or not as long as a mobile number of its region. */
export function allowedRegion(e164: string, rules: NumberRules): string | undefined {
  if (isRefused(e164, rules)) return undefined
  const fitting = rules.allow.filter(
    ({ prefix, lengths }) => e164.startsWith(prefix) && lengths.includes(e164.length),
  )
  return fitting.toSorted((one, other) => other.prefix.length - one.prefix.length)[0]?.region
}

function longest(e164: string, prefixes: readonly string[]): number {
  return Math.max(0, ...prefixes.filter((prefix) => e164.startsWith(prefix)).map((prefix) => prefix.length))
}
