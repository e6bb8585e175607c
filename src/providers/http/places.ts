/** Where in what a carrier says a value is: JSON pointers, headers, query values, groups of expressions. */

import type { Place } from '../../config/carriers/block-schema.ts'

/** What a carrier said, in an answer or a call-back, as places lead into it. */
export type Said = {
  /** JSON, or the fields of a form; undefined if it is neither. */
  readonly document: unknown
  readonly text: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly query: URLSearchParams
}

/** Finds the value as text; null if it is not there, or is no text, number or boolean. */
export type Find = (said: Said) => string | null

export function finderOf(place: Place): Find {
  if (typeof place === 'string') {
    const path = pathOf(place)
    return ({ document }) => wordOf(valueAt(document, path))
  }
  if ('header' in place) {
    const name = place.header.toLowerCase()
    return ({ headers }) => headers[name] ?? null
  }
  if ('query' in place) return ({ query }) => query.get(place.query)
  const expression = new RegExp(place.match, 'u')
  return ({ text }) => expression.exec(text)?.[1] ?? null
}

/** The parts of a JSON pointer (RFC 6901). */
export function pathOf(pointer: string): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}

export function valueAt(document: unknown, path: readonly string[]): unknown {
  let at = document
  for (const part of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, part)) return undefined
    at = (at as Readonly<Record<string, unknown>>)[part]
  }
  return at
}

function wordOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : null
}

/** @returns undefined if it is not what it should be. */
export function documentOf(text: string, form: 'json' | 'form' | 'query' | 'text'): unknown {
  if (form === 'text') return undefined
  if (form !== 'json') return Object.fromEntries(new URLSearchParams(text))
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
