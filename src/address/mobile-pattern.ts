/** A short way to recognise the plain case of a mobile number, from the same metadata as the long one. */

import { Metadata } from 'libphonenumber-js/core'
import metadata from 'libphonenumber-js/metadata.max.json'

type Pattern = {
  readonly region: string
  readonly national: RegExp
  readonly mobile: RegExp
  readonly lengths: readonly number[]
  /** What the parser might take off the front. A number that begins so is no plain case. */
  readonly prefix: RegExp | null
}

const patterns = new Map<string, Pattern | null>()
const longestCallingCode = 3

/**
 * The region of a number that is beyond doubt a mobile one: its calling code is of one region alone,
 * nothing at its front could be a national prefix, and it is of the region's mobile pattern whole.
 * Takes a tenth of a full parse and gives the same answer; a property test holds them together.
 * @param digits  E.164 without the plus.
 * @returns undefined if only the full parser can tell.
 */
export function plainMobileRegion(digits: string): string | undefined {
  for (let length = 1; length <= longestCallingCode; length++) {
    const code = digits.slice(0, length)
    let pattern = patterns.get(code)
    if (pattern === undefined) {
      pattern = patternOf(code)
      patterns.set(code, pattern)
    }
    if (!pattern) continue
    const national = digits.slice(length)
    const isPlain =
      pattern.lengths.includes(national.length) &&
      pattern.mobile.test(national) &&
      pattern.national.test(national) &&
      !pattern.prefix?.test(national)
    return isPlain ? pattern.region : undefined
  }
  return undefined
}

function patternOf(code: string): Pattern | null {
  const regions = (metadata.country_calling_codes as Record<string, string[]>)[code]
  if (regions?.length !== 1) return null
  const plan = new Metadata(metadata as never)
  plan.selectNumberingPlan(regions[0] as never)
  const { numberingPlan } = plan as unknown as { numberingPlan: NumberingPlan | undefined }
  const mobile = numberingPlan?.type('MOBILE')
  if (!numberingPlan || !mobile?.pattern()) return null
  const prefix = numberingPlan.nationalPrefixForParsing()
  return {
    region: regions[0]!,
    national: whole(numberingPlan.nationalNumberPattern()),
    mobile: whole(mobile.pattern()),
    lengths: mobile.possibleLengths() ?? numberingPlan.possibleLengths(),
    prefix: prefix ? new RegExp(`^(?:${prefix})`) : null,
  }
}

type NumberingPlan = {
  nationalNumberPattern(): string
  possibleLengths(): readonly number[]
  nationalPrefixForParsing(): string | undefined
  type(name: 'MOBILE'): { pattern(): string; possibleLengths(): readonly number[] | undefined } | undefined
}

function whole(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`)
}
