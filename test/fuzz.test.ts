/** Anything at all sent to the server: never a 5xx, never a hang, never an answer of another shape. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { type Answer, newNumber, paths, type Server, startServer } from './server.ts'

let server: Server
let token: string
before(async () => {
  server = await startServer({ args: ['--limits', 'none'] })
  token = await server.logIn('fuzzer')
})
after(() => server[Symbol.asyncDispose]())

const runs = { numRuns: Number(process.env.COUNTERSIGN_FUZZ_RUNS ?? 600) }

const targets = fc.constantFrom(
  ['POST', paths.send],
  ['POST', paths.verify],
  ['PUT', paths.contact],
  ['PUT', paths.member],
  ['POST', paths.appLogin],
  ['POST', paths.accountLogin],
  ['POST', paths.validate],
) as fc.Arbitrary<[string, string]>

function wellAnswered(answer: Answer): void {
  assert.ok(answer.status < 500, `${answer.status} ${answer.text}`)
  assert.match(answer.headers.get('x-request-id') ?? '', /^[A-Za-z0-9_-]{1,64}$/)
  if (answer.status === 200) return
  assert.deepEqual(Object.keys(answer.json), ['error_code', 'error_msg', 'request_id'], answer.text)
  assert.ok(!/\bat .*\.ts:\d|node:internal|SQLITE/.test(answer.text), 'no inside shows')
}

/** Values near what the wire takes, with something wrong about them more often than not. */
const near = fc.oneof(
  fc.constantFrom(
    '+8613800138000',
    'a@example.com',
    '',
    ' ',
    '+',
    '@',
    'chinaPR',
    'usa',
    '000000',
    '__proto__',
    'constructor',
  ),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.string({ unit: fc.constantFrom(...'+0123456789@.aé验\r\n\0,;"<>'), maxLength: 40 }),
  fc.double(),
  fc.integer(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.string(), { maxLength: 3 }),
  fc.dictionary(fc.string(), fc.string(), { maxKeys: 3 }),
)

const body = fc.record(
  Object.fromEntries(
    [
      'contact',
      'country',
      'verificationCode',
      'appId',
      'clientType',
      'expireTime',
      'nonce',
      'userId',
      'corpId',
      'account',
      'token',
      'needGenNewToken',
      'name',
      'title',
      '__proto__',
      'toString',
    ].map((name) => [name, near]),
  ),
  { requiredKeys: [] },
)

test('any JSON body gets a documented answer', async () => {
  await fc.assert(
    fc.asyncProperty(targets, body, async ([method, path], value) => {
      wellAnswered(await server.call(method, path, { token, body: JSON.stringify(value) }))
    }),
    runs,
  )
})

test('any bytes for a body get a documented answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      targets,
      fc.string({ unit: 'binary', maxLength: 2_000 }),
      fc.constantFrom(
        'application/json',
        'text/xml',
        'multipart/form-data',
        ';;',
        'application/json; charset=utf-16',
      ),
      async ([method, path], text, type) => {
        wellAnswered(
          await server.call(method, path, { token, body: text, headers: { 'Content-Type': type } }),
        )
      },
    ),
    runs,
  )
})

test('a valid body cut anywhere or with bytes changed gets a documented answer', async () => {
  const whole = JSON.stringify({ contact: newNumber(), country: 'chinaPR', verificationCode: '123456' })
  await fc.assert(
    fc.asyncProperty(
      targets,
      fc.nat(whole.length),
      fc.nat(whole.length - 1),
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      async ([method, path], cut, at, character) => {
        wellAnswered(await server.call(method, path, { token, body: whole.slice(0, cut) }))
        wellAnswered(
          await server.call(method, path, {
            token,
            body: whole.slice(0, at) + character + whole.slice(at + 1),
          }),
        )
      },
    ),
    { numRuns: runs.numRuns / 2 },
  )
})

/** What fetch lets through as a header's value. */
const headerValue = fc.string({
  unit: fc
    .integer({ min: 32, max: 255 })
    .filter((code) => code !== 127)
    .map((code) => String.fromCharCode(code)),
  maxLength: 300,
})

test('any headers get a documented answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      targets,
      headerValue,
      headerValue,
      headerValue,
      headerValue,
      async ([method, path], access, id, language, authorization) => {
        const headers = {
          'X-Access-Token': access,
          'X-Request-Id': id,
          'Accept-Language': language,
          Authorization: authorization,
          'X-Forwarded-For': id,
        }
        wellAnswered(await server.call(method, path, { headers, body: { contact: '+8613800138000' } }))
      },
    ),
    runs,
  )
})

test('any path and method get a documented answer', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'),
      fc.constantFrom('/v1/usg', '/v2'),
      fc.webPath(),
      fc.webQueryParameters(),
      async (method, prefix, path, query) => {
        // The prefix alone is no path of the wire.
        if (path === '') return
        const answer = await server.call(method, `${prefix}${path}?${query}`, { token })
        assert.ok(answer.status === 404 || answer.status === 405 || answer.status === 400, `${answer.status}`)
        wellAnswered(answer)
      },
    ),
    runs,
  )
})

test('after all of that nothing was changed and it still serves', async () => {
  const shown = (await server.call('GET', paths.member, { token })).json
  assert.equal(shown.phone, null)
  assert.equal(shown.email, null)
  const contact = newNumber()
  assert.equal((await server.call('POST', paths.send, { token, body: { contact } })).status, 200)
  await server.codeFor(contact)
  const residentMb =
    Number(
      /^process_resident_memory_bytes (\d+)/m.exec((await server.call('GET', '/metrics')).text)?.[1] ?? 0,
    ) /
    2 ** 20
  assert.ok(residentMb > 0 && residentMb < 600, `${residentMb} MB`)
})
