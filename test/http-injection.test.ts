/** No value can change the structure around it: shown for every ready-made carrier, position by position. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CarrierBlock } from '../src/config/carriers/block-schema.ts'
import { loadBlock, readyMadeNames } from '../src/config/carriers/load-block.ts'
import type { Message } from '../src/delivery/provider.ts'
import { namesIn } from '../src/liquid.ts'
import { compileRequest } from '../src/providers/http/compile-request.ts'
import { messageValues } from '../src/providers/http/message-values.ts'
import type { Outgoing } from '../src/providers/http/outgoing.ts'
import { mailMessage, phoneMessage } from './http-carrier.ts'

/** What a receiver takes a request apart into: names and structure, each value replaced by its kind. */
function shapeOf({ method, path, headers, body }: Outgoing): unknown {
  const [resource = '', query = ''] = path.split('?')
  const type = headers['content-type'] ?? ''
  return {
    method,
    segments: resource.split('/').length,
    query: [...new URLSearchParams(query).keys()],
    headers: Object.keys(headers).sort(),
    body: type.includes('json')
      ? kindsOf(JSON.parse(body))
      : type.includes('form')
        ? [...new URLSearchParams(body).keys()]
        : type.includes('xml')
          ? body.match(/<\/?[a-z][^>]*>/gi)
          : null,
  }
}

function kindsOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(kindsOf)
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, kindsOf(one)]))
  return typeof value
}

const hostile = fc.oneof(
  fc.constantFrom(
    ...[
      '"',
      "'",
      '\r\nX-Evil: 1',
      '&to=1',
      '?a=b',
      '#',
      '/../..',
      '{{ to }}',
      '{% if %}',
      '","to":"x',
      ']}',
      '<b>',
      ']]>',
    ],
    ...['&lt;', '%0d%0a', '\u2028', '\ud800', '\\', '`', '\u202e', '=', ';', '+', '%'],
    'y'.repeat(10_000),
  ),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
)

/** Every value a receiver reads out of a request but those of headers, in order; JSON within a field is read too. */
function leavesOf({ path, headers, body }: Outgoing): string[] {
  const [resource = '', query = ''] = path.split('?')
  const type = headers['content-type'] ?? ''
  return [
    ...resource.split('/').map(decodeURIComponent),
    ...fieldsIn(query),
    ...(type.includes('json') ? leavesIn(JSON.parse(body)) : type.includes('form') ? fieldsIn(body) : []),
  ]
}

function fieldsIn(pairs: string): string[] {
  return [...new URLSearchParams(pairs).values()].flatMap((value) =>
    /^[[{]"/.test(value) ? leavesIn(JSON.parse(value)) : [value],
  )
}

function leavesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [String(value)]
  return Object.values(value).flatMap(leavesIn)
}

const templateIds = Object.fromEntries(
  ['code', 'contact-changed'].map((one) => [
    one,
    {
      'en-US': {
        id: 'id',
        variables: [
          { at: 0, name: 'code' },
          { at: 1, name: 'lifetime' },
        ],
      },
    },
  ]),
)
const at = Date.UTC(2026, 10, 25)

/** Makes the requests of a block: `text` in all that a message brings, `need` in all that its needs do. */
function requesterOf(name: string): (text: string, need?: string) => Outgoing {
  const block = loadBlock({ carrier: name }, name, [], []) as CarrierBlock
  const message: Message = block.channels.includes('sms') ? phoneMessage : mailMessage
  const send = compileRequest(block.request, 'https://carrier.example')
  return (text, need = 'need') => {
    const changed = { text, subject: text, html: text, sender: text, variables: [text, text, text] }
    const ids = block.takesTemplateIds ? templateIds : null
    const needs = Object.fromEntries(Object.keys(block.needs ?? {}).map((one) => [one, need]))
    const valuesOf = messageValues({
      names: namesIn(block.request),
      fixed: needs,
      templateIds: ids,
      receiptUrl: 'https://codes.example.com/r',
    })
    return send({ ...valuesOf({ ...message, ...changed }, at), nonce: 'nonce' }, at)
  }
}

/** Whether it comes to that, or to nothing at all. */
function isThatOrNothing(made: () => string, expected: string): boolean {
  try {
    return made() === expected
  } catch {
    return true
  }
}

/** Whether a text is Unicode may be a field of its own, so a request is measured by both. */
const plain = ['xMARKx', '验MARK证'] as const

for (const name of readyMadeNames()) {
  test(`${name}: the request has one shape, and each value whole, whatever messages hold`, () => {
    const requestOf = requesterOf(name)
    const shapes = plain.map((text) => JSON.stringify(shapeOf(requestOf(text))))
    const leaves = plain.map((text) => leavesOf(requestOf(text)))
    assert.ok(
      leaves[0]!.some((leaf) => leaf.includes(plain[0])),
      'the message is in the request',
    )
    fc.assert(
      fc.property(hostile, (value) => {
        const text = `x${value}x`
        const sent = requestOf(text)
        const shape = JSON.stringify(shapeOf(sent))
        assert.ok(shapes.includes(shape), `${shape} is none of ${shapes.join(' or ')}`)
        for (const header of Object.values(sent.headers)) assert.doesNotMatch(header, /[^\x20-\x7E]/)
        // What no encoding has, half a character, may come as the mark of it.
        const found = leavesOf(sent).map((leaf) => leaf.toWellFormed())
        // Vonage's own filter: its senders have no plus.
        const own = (leaf: string) => (name === 'vonage' ? leaf.replaceAll('+', '') : leaf)
        const isWhole = leaves.some(
          (expected, i) =>
            expected.length === found.length &&
            expected.every((leaf, j) => {
              const whole = leaf.replaceAll(plain[i]!, () => text).toWellFormed()
              return found[j] === whole || found[j] === own(whole)
            }),
        )
        assert.ok(isWhole, found.join(' | '))
      }),
      { numRuns: 60 },
    )
  })

  test(`${name}: the request has one shape whatever its needs hold`, () => {
    const requestOf = requesterOf(name)
    const shape = (need: string) => JSON.stringify(shapeOf(requestOf('text', need)))
    const expected = shape('need')
    fc.assert(
      fc.property(hostile, (value) => {
        const made = () => shape(`x${value}x`)
        // A filter of the block may refuse half a character, which no settings file can hold.
        if (value.isWellFormed()) assert.equal(made(), expected)
        else assert.ok(isThatOrNothing(made, expected))
      }),
      { numRuns: 60 },
    )
  })
}

/** A block with a value in each place there is, alone and within a text. */
const everywhere = (body: object) =>
  compileRequest(
    {
      server: 'https://carrier.example',
      path: '/a/{{ text }}/b-{{ text }}',
      query: { q: '{{ text }}', r: '<{{ text }}>', j: { k: '{{ text }}' } },
      headers: { 'x-own': '{{ text }}', 'x-more': 'a {{ text }} b' },
      ...body,
    },
    'https://carrier.example',
  )

const places = {
  one: '{{ text }}',
  two: '"{{ text }}"',
  deep: ['{{ text }}', { '{{ text }}': '{{ text }}!' }],
}

for (const [kind, body] of [
  ['form', { form: places }],
  ['json', { json: places }],
  ['xml', { xml: '<m a="{{ text }}"><t>{{ text }}</t></m>' }],
] as const)
  test(`a value in each place of a request with ${kind} stays in its place, whole`, () => {
    const requestOf = (text: string) => everywhere(body)({ text } as never, at)
    const shape = JSON.stringify(shapeOf(requestOf('MARK')))
    const leaves = leavesOf(requestOf('MARK'))
    fc.assert(
      fc.property(hostile, (value) => {
        // Nothing leaves nothing to compare; dots have a test of their own.
        fc.pre(!/^\.{0,2}$/.test(value))
        const sent = requestOf(value)
        const path = sent.path.split('?')[0]!
        assert.equal(new URL(`https://carrier.example${sent.path}`).pathname, path, 'no path leads elsewhere')
        for (const header of Object.values(sent.headers)) assert.doesNotMatch(header, /[^\x20-\x7E]/)
        // A header that comes out empty is left out.
        if (kind !== 'xml' && sent.headers['x-own'] !== undefined)
          assert.equal(JSON.stringify(shapeOf(sent)), shape)
        assert.deepEqual(
          leavesOf(sent).map((leaf) => leaf.toWellFormed()),
          leaves.map((leaf) => leaf.replaceAll('MARK', () => value).toWellFormed()),
        )
        if (kind === 'xml')
          assert.equal(textOfXml(sent.body), `${allowedInXml(value)}|${allowedInXml(value)}`)
      }),
      { numRuns: 500 },
    )
  })

test('a value that would lead out of its path makes no request', () => {
  const requestOf = (text: string) => everywhere({ json: places })({ text } as never, at)
  for (const dots of ['.', '..']) assert.throws(() => requestOf(dots), /is \. or \.\./)
  for (const value of ['...', '../x', '..\\', '.\u200b'])
    assert.equal(
      new URL(`https://carrier.example${requestOf(value).path}`).pathname.split('/').length,
      4,
      value,
    )
})

/** The attribute and the text of the document above, as a reader of XML has them. */
function textOfXml(xml: string): string {
  const found = /^<m a="([^"<&]*(?:&#\d+;[^"<&]*)*)"><t>([^<&]*(?:&#\d+;[^<&]*)*)<\/t><\/m>$/.exec(xml)
  assert.ok(found, xml)
  return found
    .slice(1)
    .map((text) => text.replace(/&#(\d+);/g, (_, point) => String.fromCodePoint(Number(point))))
    .join('|')
}

/** XML 1.0 has no way at all to hold the rest. */
function allowedInXml(text: string): string {
  return [...text]
    .filter((one) => /^[\t\n\r\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]$/u.test(one))
    .join('')
}
