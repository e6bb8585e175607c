/** Reads input of strangers: UTF-8, JSON and forms, each in a time that grows linearly with its size. */

import { isUtf8 } from 'node:buffer'

export type Parsed<Value> =
  | { readonly kind: 'parsed'; readonly value: Value }
  | { readonly kind: 'malformed'; readonly problem: 'not-utf-8' | 'syntax' | 'too-deep' | 'too-many' }

/** Names and values in the order they came; a name may come again. */
export type Pairs = readonly (readonly [name: string, value: string])[]

/** The most levels of nested objects and arrays. No documented call, ours or a carrier's, has ten. */
export const maxDepth = 32
/**
 * The most commas and colons of a JSON text. Reading takes longest if each value has a different name: this many then
 * take 25 ms of the thread that serves all callers. The largest documented call of a carrier (SendGrid's event webhook,
 * 768 KiB) has 40 000.
 */
export const maxMarks = 60_000
/** The most pairs of a form. A carrier's call-back has about twenty. */
export const maxPairs = 1_000
/** The longest form: it holds a single receipt. */
export const maxFormLength = 64 * 1024

/** @returns The text without a byte order mark; malformed if it is not UTF-8, rather than with U+FFFD in it. */
export function parseText(bytes: Buffer): Parsed<string> {
  if (!isUtf8(bytes)) return malformed('not-utf-8')
  const text = bytes.toString('utf8')
  return parsed(text.charCodeAt(0) === byteOrderMark ? text.slice(1) : text)
}

/**
 * Reads JSON. Its objects have own properties only: the name `__proto__` is a name like any other.
 * @param options.trailingCommas  Whether a text that is no JSON is read again without commas before closing brackets.
 */
export function parseJson(
  text: string,
  { trailingCommas = false }: { readonly trailingCommas?: boolean } = {},
): Parsed<unknown> {
  const { depth, marks, trailing } = surveyed(text)
  if (depth > maxDepth) return malformed('too-deep')
  if (marks > maxMarks) return malformed('too-many')
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
 * Reads a form or the query of a URL. Percent-encoded bytes that are no UTF-8 become U+FFFD, because some carriers use
 * another encoding for their words, and the state in the same form must not be lost.
 */
export function parseForm(text: string): Parsed<Pairs> {
  if (text.length > maxFormLength) return malformed('too-many')
  const parts = text.split('&', maxPairs + 1)
  if (parts.length > maxPairs) return malformed('too-many')
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

/** A percent sign without two hex digits after it stands for itself (URL Standard, percent-decode). */
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
  /** Positions of the commas between a value and a closing bracket. */
  readonly trailing: readonly number[]
}

/** One pass before the parser's: only brackets, commas and colons outside of strings count. */
function surveyed(text: string): Survey {
  const trailing: number[] = []
  let depth = 0
  let now = 0
  let marks = 0
  /** The position of the last comma, while only white space has followed it. */
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

/** @returns The position of the closing quote of the string that begins at `start`, or the end of the text. */
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
