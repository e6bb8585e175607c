/** No value, whatever it holds, changes what is around it: shown for every ready-made carrier, place by place. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { CarrierBlock } from '../src/config/carriers/block-schema.ts'
import { loadBlock, readyMadeNames } from '../src/config/carriers/load-block.ts'
import type { Message } from '../src/delivery/provider.ts'
import { messageValues } from '../src/providers/http/message-values.ts'
import { compileRequest, type Outgoing } from '../src/providers/http/request.ts'
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

for (const name of readyMadeNames())
  test(`${name}: the request has one shape, whatever the values hold`, () => {
    const block = loadBlock({ carrier: name }, name, [], []) as CarrierBlock
    const message: Message = block.channels.includes('sms') ? phoneMessage : mailMessage
    const send = compileRequest(block.request, 'https://carrier.example')
    // Secrets and ids are the operator's own; what templates, members and senders bring is not.
    const needs = Object.fromEntries(Object.keys(block.needs ?? {}).map((need) => [need, 'need']))
    const templateIds = block.takesTemplateIds
      ? Object.fromEntries(
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
      : null
    const at = Date.UTC(2026, 10, 25)
    const requestOf = (change: Partial<Message>, need = 'need') => {
      const values = messageValues(
        { ...message, sender: 'Sender', ...change },
        templateIds as never,
        'https://codes.example.com/r',
        at,
      )
      const own = Object.fromEntries(Object.keys(needs).map((one) => [one, need]))
      return send({ ...own, ...values } as never, at)
    }
    // Whether a text is Unicode may be a field of its own.
    const plain = { subject: 'x', html: 'x', variables: ['x', 'x', 'x'] }
    const expected = ['x', '验证码'].map((text) => JSON.stringify(shapeOf(requestOf({ ...plain, text }))))
    fc.assert(
      fc.property(hostile, (value) => {
        const text = `x${value}x`
        const changed = { text, subject: text, html: text, sender: text, variables: [text, text, text] }
        const shape = JSON.stringify(shapeOf(requestOf(changed)))
        assert.ok(expected.includes(shape), `${shape} is none of ${expected.join(' or ')}`)
        const sent = requestOf(changed)
        for (const header of Object.values(sent.headers)) assert.doesNotMatch(header, /[\r\n]/)
        if (sent.headers['content-type']?.includes('json'))
          assert.ok(JSON.stringify(JSON.parse(sent.body)).includes(JSON.stringify(text).slice(1, -1)))
      }),
      { numRuns: 60 },
    )
  })
