import assert from 'node:assert/strict'
import { test } from 'node:test'
import { breakingChanges } from '../scripts/api-changes.ts'

const document = {
  paths: {
    '/v1/things': {
      get: {
        operationId: 'listThings',
        security: [{ key: [] }],
        parameters: [{ in: 'query', name: 'limit', schema: { type: 'integer', maximum: 100 } }],
        responses: {
          200: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } },
        },
      },
      post: {
        operationId: 'makeThing',
        security: [{ key: [] }, { page: [] }],
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['to'],
                properties: {
                  to: {
                    anyOf: [
                      { type: 'string', maxLength: 9 },
                      { type: 'object', properties: {} },
                    ],
                  },
                  channel: { type: 'string', enum: ['sms', 'email'] },
                  count: { type: 'number' },
                },
                additionalProperties: false,
              },
            },
          },
        },
        responses: {
          201: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Thing' } } } },
          422: {
            content: {
              'application/problem+json': {
                schema: {
                  anyOf: [{ $ref: '#/components/schemas/One' }, { $ref: '#/components/schemas/Other' }],
                },
              },
            },
          },
        },
      },
    },
  },
  components: {
    schemas: {
      Thing: {
        type: 'object',
        required: ['id', 'state'],
        properties: {
          id: { type: 'string' },
          state: { type: 'string', enum: ['live', 'used'] },
          left: { type: 'integer' },
          inner: { $ref: '#/components/schemas/Thing' },
        },
      },
      One: { type: 'object', required: ['status'], properties: { status: { type: 'integer', const: 422 } } },
      Other: { type: 'object', required: ['pointer'], properties: { pointer: { type: 'string' } } },
    },
  },
}

// biome-ignore lint/suspicious/noExplicitAny: documents are changed in ways that their types would forbid
type Loose = any
const changed = (change: (document: Loose) => void) => {
  const after = structuredClone(document) as Loose
  change(after)
  return breakingChanges(document, after)
}
const listOf = (after: Loose) => after.paths['/v1/things'].get
const makeOf = (after: Loose) => after.paths['/v1/things'].post
const bodyOf = (after: Loose) => makeOf(after).requestBody.content['application/json'].schema
const thing = (after: Loose) => after.components.schemas.Thing

const breaking: Readonly<Record<string, [RegExp, (after: Loose) => void]>> = {
  'a removed path': [/^GET \/v1\/things: was removed/, (after) => delete after.paths['/v1/things']],
  'a removed method': [/^GET .*was removed/, (after) => delete after.paths['/v1/things'].get],
  'another name of a call': [/operationId/, (after) => Object.assign(listOf(after), { operationId: 'x' })],
  'a removed status': [/^POST .*422: was removed/, (after) => delete makeOf(after).responses[422]],
  'a removed field of an answer': [/body\/left: was removed/, (after) => delete thing(after).properties.left],
  'a field of an answer that may be absent': [
    /state: may be absent/,
    (after) => Object.assign(thing(after), { required: ['id'] }),
  ],
  'another type in an answer': [
    /left: was integer, is string/,
    (after) => Object.assign(thing(after).properties.left, { type: 'string' }),
  ],
  'a wider type in an answer': [
    /id: was string, is string or null/,
    (after) => Object.assign(thing(after).properties.id, { type: ['string', 'null'] }),
  ],
  'a new form of an answer': [
    /has a form that it had not/,
    (after) =>
      makeOf(after).responses[422].content['application/problem+json'].schema.anyOf.push({ type: 'string' }),
  ],
  'a removed media type': [
    /application\/json: was removed/,
    (after) => delete makeOf(after).responses[201].content['application/json'],
  ],
  'a removed field of a request': [/count: was removed/, (after) => delete bodyOf(after).properties.count],
  'a new mandatory field of a request': [
    /more: is new and mandatory/,
    (after) => {
      bodyOf(after).properties.more = { type: 'string' }
      bodyOf(after).required.push('more')
    },
  ],
  'a field of a request that is mandatory now': [
    /count: is mandatory now/,
    (after) => bodyOf(after).required.push('count'),
  ],
  'a narrower type in a request': [
    /count: was number, is integer/,
    (after) => Object.assign(bodyOf(after).properties.count, { type: 'integer' }),
  ],
  'a word less in a request': [
    /channel: does not take email/,
    (after) => Object.assign(bodyOf(after).properties.channel, { enum: ['sms'] }),
  ],
  'a narrower bound': [
    /limit: maximum was 100, is 50/,
    (after) => Object.assign(listOf(after).parameters[0].schema, { maximum: 50 }),
  ],
  'a form less in a request': [/one of its forms/, (after) => bodyOf(after).properties.to.anyOf.pop()],
  'a narrower form in a request': [
    /one of its forms/,
    (after) => Object.assign(bodyOf(after).properties.to.anyOf[0], { maxLength: 8 }),
  ],
  'a removed parameter': [/limit: was removed/, (after) => listOf(after).parameters.pop()],
  'a new mandatory parameter': [
    /query parameter x: is new and mandatory/,
    (after) => listOf(after).parameters.push({ in: 'query', name: 'x', required: true, schema: {} }),
  ],
  'a call for fewer keys': [/page does not suffice/, (after) => makeOf(after).security.pop()],
  'a call that needs a body': [
    /body: is mandatory now/,
    (after) => Object.assign(listOf(after), { requestBody: { required: true, content: {} } }),
  ],
}

for (const [what, [sentence, change]] of Object.entries(breaking))
  test(`${what} is a breaking change`, () => {
    assert.match(changed(change).join('\n'), sentence)
  })

const harmless: Readonly<Record<string, (after: Loose) => void>> = {
  'no change': () => undefined,
  'a new call': (after) => {
    after.paths['/v1/others'] = { get: { responses: {} } }
  },
  'a new problem of a status': (after) => {
    after.components.schemas.Third = { type: 'object', required: ['third'], properties: { third: {} } }
    makeOf(after).responses[422].content['application/problem+json'].schema.anyOf.push({
      $ref: '#/components/schemas/Third',
    })
  },
  'a new field of an answer': (after) => {
    thing(after).properties.more = { type: 'string' }
    thing(after).required.push('more')
  },
  'a new field of a request': (after) => {
    bodyOf(after).properties.more = { type: 'string' }
  },
  'a new status': (after) => {
    makeOf(after).responses[429] = {}
  },
  'a new word in an answer': (after) => thing(after).properties.state.enum.push('held'),
  'a wider request': (after) => {
    Object.assign(listOf(after).parameters[0].schema, { type: ['integer', 'null'], maximum: 200 })
    bodyOf(after).properties.to.anyOf.push({ type: 'null' })
    bodyOf(after).properties.channel.enum.push('voice')
    bodyOf(after).required = []
  },
  'a narrower answer': (after) => {
    Object.assign(thing(after).properties.left, { minimum: 0 })
    makeOf(after).responses[422].content['application/problem+json'].schema.anyOf.pop()
  },
  'a call for anyone': (after) => {
    makeOf(after).security = [{}]
  },
  'another text': (after) => Object.assign(makeOf(after), { summary: 'x' }),
}

for (const [what, change] of Object.entries(harmless))
  test(`${what} breaks nobody`, () => {
    assert.deepEqual(changed(change), [])
  })
