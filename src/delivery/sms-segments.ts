/** Counts the parts of a text as SMS and cuts it, by GSM 03.38 (3GPP TS 23.038) and UCS-2. */

import { septetsOf } from './gsm-7.ts'

export type SmsSegments = {
  readonly encoding: 'gsm-7' | 'ucs-2'
  /** Septets or UTF-16 units. */
  readonly units: number
  readonly segments: number
}

/** Units that fit into a single SMS, and into each of several parts, which have a header too. */
const capacities = { 'gsm-7': { single: 160, each: 153 }, 'ucs-2': { single: 70, each: 67 } } as const

/** A single character outside GSM-7 makes the whole text UCS-2. */
export function segmentsOf(text: string): SmsSegments {
  let septets = 0
  let isGsm = true
  for (const character of text) {
    const cost = septetsOf(character)
    if (cost === 0) {
      isGsm = false
      break
    }
    septets += cost
  }
  const encoding = isGsm ? 'gsm-7' : 'ucs-2'
  const units = isGsm ? septets : text.length
  if (units <= capacities[encoding].single) return { encoding, units, segments: units === 0 ? 0 : 1 }
  return { encoding, units, segments: cutText(text, encoding).length }
}

/**
 * The parts of a text. An escape and its character, or a surrogate pair, is never split between two.
 * @param encoding  Of the message that is sent. With `gsm-7` every character of the text must be in that alphabet.
 */
export function cutText(text: string, encoding: SmsSegments['encoding']): string[] {
  const costOf = (character: string) => (encoding === 'gsm-7' ? septetsOf(character) : character.length)
  const { single, each } = capacities[encoding]
  const parts: string[] = []
  let units = 0
  let used = 0
  let start = 0
  let at = 0
  for (const character of text) {
    const cost = costOf(character)
    if (used + cost > each) {
      parts.push(text.slice(start, at))
      start = at
      used = 0
    }
    units += cost
    used += cost
    at += character.length
  }
  if (units <= single) return [text]
  parts.push(text.slice(start))
  return parts
}
