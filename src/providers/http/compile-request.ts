/** Compiles the request of a block once, to a function from the values of a message to the request on the wire. */

import type { RequestRules } from '../../config/carriers/block-schema.ts'
import { compileNumber, createCompiler, soleName, textOf, type Values } from '../../liquid.ts'
import type { Outgoing } from './outgoing.ts'
import { signerOf } from './sign/signer.ts'

/** A compiled part of a structure. It gives a value of JSON; undefined is left out. */
type Node = (values: Values) => unknown

const text = createCompiler()

/**
 * @param server  From the settings, without a slash at its end.
 * @throws Error for a template that cannot work. The check of the settings has excluded those.
 */
export function compileRequest(
  rules: RequestRules,
  server: string,
): (values: Values, nowMs: number) => Outgoing {
  const { method = 'POST', path, headers = {}, query, form, json, xml, sign } = rules
  const url = new URL(server)
  const base = url.pathname.replace(/(?<!\/)\/+$/, '')
  const pathOf = createCompiler(pathSegment)(path)
  const queryOf = query === undefined ? () => '' : pairsOf(query)
  const headersOf = Object.entries(headers).map(
    ([name, template]) => [name.toLowerCase(), createCompiler(headerValue)(template)] as const,
  )
  const [contentType, bodyOf] =
    form !== undefined
      ? ['application/x-www-form-urlencoded', pairsOf(form)]
      : json !== undefined
        ? ['application/json', jsonOf(json)]
        : xml !== undefined
          ? ['application/xml; charset=utf-8', createCompiler(xmlText)(xml)]
          : [null, () => '']
  const signed = signerOf(sign)

  return (values, nowMs) => {
    const given: Record<string, string> = contentType === null ? {} : { 'content-type': contentType }
    for (const [name, render] of headersOf) {
      const value = render(values)
      if (value !== '') given[name] = value
    }
    const pairs = queryOf(values)
    const unsigned: Outgoing = {
      method,
      origin: url.origin,
      path: `${base}${pathOf(values)}${pairs === '' ? '' : `?${pairs}`}` || '/',
      headers: given,
      body: bodyOf(values),
    }
    Object.assign(given, signed(unsigned, values, nowMs))
    return unsigned
  }
}

function jsonOf(json: unknown): (values: Values) => string {
  const node = nodeOf(json)
  return (values) => JSON.stringify(node(values) ?? {})
}

/** A list or a map within a query or a form becomes JSON, as carriers with such parameters expect. */
function pairsOf(pairs: Readonly<Record<string, unknown>>): (values: Values) => string {
  const nodes = Object.entries(pairs).map(([name, child]) => [encoded(name), nodeOf(child)] as const)
  return (values) =>
    nodes
      .map(([name, node]) => [name, node(values)] as const)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${encoded(textOf(value))}`)
      .join('&')
}

/**
 * Values are put into the structure and not into its text, so that no value can change it. A template of a single value
 * keeps the value's type, also a number that goes through filters. An empty result is left out, and so is a list or a map
 * with nothing left in it.
 */
function nodeOf(child: unknown): Node {
  if (typeof child === 'string') {
    const render = text(child)
    if (!/\{\{|\{%/.test(child)) return () => child
    const sole = soleName(child)
    if (sole === null) {
      const numberIn = compileNumber(child)
      return (values) => numberIn(values) ?? (render(values) || undefined)
    }
    return (values) => {
      const value = values[sole]
      return value === '' || value === null ? undefined : value
    }
  }
  if (typeof child !== 'object' || child === null) return () => child
  if (Array.isArray(child)) {
    const nodes = child.map((one) => nodeOf(one))
    return (values) => {
      const items = nodes.map((node) => node(values)).filter((one) => one !== undefined)
      return items.length === 0 && nodes.length > 0 ? undefined : items
    }
  }
  const nodes = Object.entries(child).map(([name, one]) => [name, nodeOf(one)] as const)
  return (values) => {
    const kept: Record<string, unknown> = {}
    let isEmpty = nodes.length > 0
    for (const [name, node] of nodes) {
      const value = node(values)
      if (value === undefined) continue
      kept[name] = value
      isEmpty = false
    }
    return isEmpty ? undefined : kept
  }
}

/** Encodes all but letters, digits and `-._~` (RFC 3986), because signatures over a query depend on this form. */
export function encoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** One segment of a path. Dots alone would lead out of it, and servers read `%2E` as a dot too (RFC 3986 6.2.2.3). */
function pathSegment(value: string): string {
  if (/^\.{1,2}$/.test(value)) throw new Error('a value of its path is . or ..')
  return encoded(value)
}

/** One line of printable ASCII. All else is encoded as in a URL, because RFC 9110 5.5 has no other way. */
function headerValue(value: string): string {
  return value
    .toWellFormed()
    .replace(/\p{Cc}/gu, '')
    .replace(/[^\x20-\x7E]+/gu, encodeURIComponent)
}

function xmlText(value: string): string {
  return value
    .replace(/[^\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
