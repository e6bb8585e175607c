/** Reads what strangers sent: UTF-8, JSON and forms, each in time that grows with its size and no faster. */

import { isUtf8 } from 'node:buffer'

export type Parsed<Value> =
  | { readonly kind: 'parsed'; readonly value: Value }
  | { readonly kind: 'malformed'; readonly problem: 'not-utf-8' | 'syntax' | 'too-deep' | 'too-many' }

/** Names and values in the order they came; a name may come again. */
export type Pairs = readonly (readonly [name: string, value: string])[]

/** Levels of objects and arrays within each other. No call of ours and no carrier's has ten. */
export const deepest = 32
/**
 * Commas and colons of a JSON text. Reading costs most where each value has a name of its own: this many take 25 ms
 * of the one thread that serves all. A carrier's call of 768 KiB, the largest that is documented (SendGrid's event
 * webhook), has 40 000.
 */
export const mostMarks = 60_000
/** Of a form: a carrier's call-back has about twenty. */
export const mostPairs = 1_000
/** A form is one receipt, never many. */
export const longestForm = 64 * 1024

/** @returns The text without a byte order mark; malformed if it is not UTF-8, rather than with U+FFFD in it. */
export function parseText(bytes: Buffer): Parsed<string> {
  if (!isUtf8(bytes)) return malformed('not-utf-8')
  const text = bytes.toString('utf8')
  return parsed(text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text)
}

/**
 * Reads JSON. What it makes has nothing but properties of its own: a name `__proto__` is a name like any other.
 * @param options.trailingCommas  Read what is no JSON once more, without commas before a closing bracket.
 */
export function parseJson(
  text: string,
  { trailingCommas = false }: { readonly trailingCommas?: boolean } = {},
): Parsed<unknown> {
  const { depth, marks, trailing } = surveyed(text)
  if (depth > deepest) return malformed('too-deep')
  if (marks > mostMarks) return malformed('too-many')
  try {
    return parsed(JSON.parse(text))
  } catch {
    if (!trailingCommas || trailing.length === 0) return malformed('syntax')
  }
  try {
    return parsed(JSON.parse(without(text, trailing)))
  } catch {
    return malformed('syntax')
  }
}

/**
 * Reads a form or the query of a URL. Percent-encoded bytes that are no UTF-8 become U+FFFD: some carriers
 * encode their words otherwise, and a state is not to be lost for that.
 */
export function parseForm(text: string): Parsed<Pairs> {
  if (text.length > longestForm) return malformed('too-many')
  const parts = text.split('&', mostPairs + 1)
  if (parts.length > mostPairs) return malformed('too-many')
  const pairs: (readonly [string, string])[] = []
  for (const part of parts) {
    if (part === '') continue
    const equals = part.indexOf('=')
    pairs.push(
      equals < 0 ? [decoded(part), ''] : [decoded(part.slice(0, equals)), decoded(part.slice(equals + 1))],
    )
  }
  return parsed(pairs)
}

/** A percent sign that no two hex digits follow stands for itself, as for browsers (URL Standard, percent-decode). */
function decoded(text: string): string {
  return text
    .replaceAll('+', ' ')
    .replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'))
}

const byteOrderMark = 0xfeff
const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const backslash = 0x5c

type Survey = {
  readonly depth: number
  readonly marks: number
  /** Where commas stand that a value precedes and a closing bracket follows. */
  readonly trailing: readonly number[]
}

/** One pass before the parser's: only brackets, commas and colons outside of strings count. */
function surveyed(text: string): Survey {
  const trailing: number[] = []
  let depth = 0
  let now = 0
  let marks = 0
  /** Of the last comma, while nothing but white space came after it. */
  let commaAt = -1
  let hasValue = false
  for (let i = 0; i < text.length; i++) {
    const character = text.charCodeAt(i)
    if (character <= 0x20) continue
    switch (character) {
      case quote:
        i = endOfString(text, i)
        hasValue = true
        commaAt = -1
        break
      case comma:
        marks++
        commaAt = hasValue ? i : -1
        hasValue = false
        break
      case colon:
        marks++
        hasValue = false
        commaAt = -1
        break
      case 0x5b:
      case 0x7b:
        if (++now > depth) depth = now
        hasValue = false
        commaAt = -1
        break
      case 0x5d:
      case 0x7d:
        now--
        if (commaAt >= 0) trailing.push(commaAt)
        hasValue = true
        commaAt = -1
        break
      default:
        hasValue = true
        commaAt = -1
    }
  }
  return { depth, marks, trailing }
}

/** @returns Where the string that begins at `start` has its closing quote, or where the text ends. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const character = text.charCodeAt(i)
    if (character === backslash) i++
    else if (character === quote) return i
  }
  return text.length
}

function without(text: string, places: readonly number[]): string {
  const kept: string[] = []
  let from = 0
  for (const place of places) {
    kept.push(text.slice(from, place))
    from = place + 1
  }
  kept.push(text.slice(from))
  return kept.join('')
}

function parsed<Value>(value: Value): Parsed<Value> {
  return { kind: 'parsed', value }
}

function malformed(problem: Extract<Parsed<never>, { kind: 'malformed' }>['problem']): Parsed<never> {
  return { kind: 'malformed', problem }
}
