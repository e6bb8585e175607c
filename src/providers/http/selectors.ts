/**
 * Selectors: the position of a value in an answer or a call-back of a carrier, by JSON pointers, headers, query values
 * and groups of expressions.
 */

import type { Selector } from '../../config/carriers/block-schema.ts'
import { type Pairs, parseForm, parseJson } from '../../outside.ts'

/** The contents of an answer or a call-back, as selectors search them. */
export type Said = {
  /** JSON, or the fields of a form; undefined if it is neither. */
  readonly document: unknown
  readonly text: string
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly query: URLSearchParams
}

/** The most characters that an expression of a block is tried on, because operators may write slow expressions. */
export const maxMatched = 4_096

/** Finds the value as text; null if it is missing, or is no text, number or boolean. */
export type Find = (said: Said) => string | null

/** @param selector  If there are several, the first that finds a value counts. */
export function finderOf(selector: Selector | readonly Selector[]): Find {
  if (Array.isArray(selector)) return firstOf(selector.map((one) => finderOf(one)))
  return finderOfOne(selector as Selector)
}

function firstOf(finders: readonly Find[]): Find {
  return (said) => {
    for (const find of finders) {
      const found = find(said)
      if (found !== null) return found
    }
    return null
  }
}

function finderOfOne(selector: Selector): Find {
  if (typeof selector === 'string') {
    const path = pathOf(selector)
    return ({ document }) => wordOf(valueAt(document, path))
  }
  if ('header' in selector) {
    const name = selector.header.toLowerCase()
    return ({ headers }) => headers[name] ?? null
  }
  if ('query' in selector) return ({ query }) => query.get(selector.query)
  const expression = new RegExp(selector.match, 'u')
  return ({ text }) => expression.exec(text.slice(0, maxMatched))?.[1] ?? null
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

export type Form = 'json' | 'form' | 'query' | 'text'

/**
 * The contents of a call, each part parsed when a selector first needs it.
 * @param longest  Characters; of a longer text there is no document.
 */
export function saidBy(
  call: Pick<Said, 'text' | 'headers'> & { readonly query: string; readonly form: Form },
  longest = Number.POSITIVE_INFINITY,
): Said {
  const { text, headers, query, form } = call
  let document: { readonly read: unknown } | undefined
  let values: URLSearchParams | undefined
  return {
    text,
    headers,
    get document() {
      const from = form === 'query' ? query : text
      document ??= { read: from.length > longest ? undefined : documentOf(from, form) }
      return document.read
    },
    get query() {
      values ??= new URLSearchParams(pairsOf(query).map(([name, value]) => [name, value]))
      return values
    },
  }
}

/** @returns undefined if the text does not have the form. */
export function documentOf(text: string, form: Form): unknown {
  if (form === 'text') return undefined
  const outcome = form === 'json' ? parseJson(text) : parseForm(text)
  if (outcome.kind === 'malformed') return undefined
  return form === 'json' ? outcome.value : Object.fromEntries(outcome.value as Pairs)
}

function pairsOf(query: string): Pairs {
  const outcome = parseForm(query)
  return outcome.kind === 'parsed' ? outcome.value : []
}
