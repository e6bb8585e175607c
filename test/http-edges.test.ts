/** Requests at the edge of HTTP, as bytes: each gets the documented answer, and none is taken for what it is not. */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { after, before, test } from 'node:test'
import { newNumber, paths, type Server, startServer } from './server.ts'
import { until } from './until.ts'

let server: Server
let token: string
before(async () => {
  server = await startServer({ args: ['--limits', 'none'], env: { COUNTERSIGN_LOG_REQUESTS: 'failures' } })
  token = await server.logIn('edges')
})
after(() => server[Symbol.asyncDispose]())

/** Sends bytes on a connection of their own. @returns All that comes back until its end. */
async function exchange(...parts: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect(Number(new URL(server.http).port), '127.0.0.1')
  let answer = ''
  socket.setEncoding('utf8').on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => undefined)
  for (const part of parts) socket.write(part)
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}

/** POSTs a body as bytes. @returns Status and error code. */
async function post(path: string, body: string | Buffer, contentType: string | null = 'application/json') {
  const bytes = Buffer.from(body as string)
  const answer = await exchange(
    `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Access-Token: ${token}\r\n` +
      `${contentType === null ? '' : `Content-Type: ${contentType}\r\n`}Content-Length: ${bytes.length}\r\n\r\n`,
    bytes,
  )
  return [/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1], codeIn(answer)].filter(Boolean).join(' ')
}

function codeIn(answer: string): string | undefined {
  return /"error_code":"(USG\.\d{9})"/.exec(answer)?.[1]
}

test('what the prototype of a body holds is no parameter, whether the body is JSON or nearly', async () => {
  for (const name of ['__proto__', 'constructor', 'prototype'])
    for (const end of ['}', ',}']) {
      const contact = newNumber()
      assert.equal(await post(paths.send, `{"${name}":{"contact":"${contact}"}${end}`), '400 USG.000000003')
      assert.deepEqual(await server.inbox(contact), [])
    }
})

test('a body nested too deep is refused, however deep, and with or without a token', async () => {
  for (const levels of [33, 8_000])
    for (const path of [paths.send, paths.accountLogin, paths.appLogin, paths.validate])
      for (const body of ['['.repeat(levels), `${'{"a":'.repeat(levels / 6)}[${'['.repeat(32)}`])
        assert.equal(await post(path, body), '400 USG.000000003', `${path} ${levels}`)
  assert.equal(
    await post(paths.send, `{"contact":"${newNumber()}","x":${'['.repeat(31)}${']'.repeat(31)}}`),
    '200',
  )
})

test('a byte order mark is overlooked, and bytes that are not UTF-8 are refused', async () => {
  assert.equal(await post(paths.send, `\ufeff{"contact":"${newNumber()}"}`), '200')
  for (const name of [
    Buffer.from([0x22, 0xe9, 0x22]),
    Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]),
    Buffer.from([0x22, 0xc0, 0xaf, 0x22]),
  ]) {
    const body = Buffer.concat([Buffer.from(`{"contact":"${newNumber()}","name":`), name, Buffer.from('}')])
    assert.equal(await post(paths.send, body), '400 USG.000000003')
  }
  const utf16 = Buffer.from(`\ufeff{"contact":"${newNumber()}"}`, 'utf16le')
  assert.equal(await post(paths.send, utf16), '400 USG.000000003')
})

test('JSON is taken whatever its content type is called, empty and malformed ones too', async () => {
  for (const type of [
    '',
    ' ',
    ';;',
    'json',
    'text/xml; charset',
    'application/json; charset=gbk',
    '验',
    null,
  ])
    assert.equal(await post(paths.send, `{"contact":"${newNumber()}"}`, type), '200', String(type))
  assert.equal(await post('/receipts/nobody', '{}', ''), '404')
})

const number = '8613800138000'
const line = (path: string, more = '') =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${more}\r\n`

/** By what is wrong: the bytes, and the answer's status and code. */
const edges: Readonly<Record<string, readonly [bytes: string, answer: string]>> = {
  'percent signs without digits in the path': [line(`/v1/usg/${number}%`), '400 USG.000000003'],
  'percent-encoded bytes that are not UTF-8': [line(`/receipts/%FF${number}`), '400'],
  'bytes of half a character in the path': [line(`/v1/usg/%E9%AA/${number}`), '400 USG.000000003'],
  'a parameter of 1,000 characters': [line(`/receipts/${number}${'x'.repeat(1_000)}`), '404'],
  'a parameter of 1,000 characters for an id': [line(`/admin/v1/verifications/${'x'.repeat(1_000)}`), '401'],
  'a path of 8,000 characters': [line(`/${number}/${'x'.repeat(8_000)}`), '404 USG.000000006'],
  'an expectation nobody knows': [line('/v1/usg', 'Expect: banana\r\n'), '404 USG.000000006'],
  'no Host line': [`GET /v1/usg HTTP/1.1\r\nConnection: close\r\n\r\n`, '400 USG.000000003'],
  'no Host line at a page': ['GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n', '400'],
  'two Host lines at a page': [line('/livez', 'Host: y\r\n'), '400'],
  'two Host lines': [line(paths.member, 'Host: y\r\n'), '400 USG.000000003'],
  'no Host line in HTTP/1.0': [`GET /v1/usg/${number} HTTP/1.0\r\n\r\n`, '404 USG.000000006'],
  'a request line that is none': [`${number}\r\n\r\n`, '400 USG.000000003'],
  'a method that is none': [`BREW /${number} HTTP/1.1\r\nHost: x\r\n\r\n`, '400 USG.000000003'],
  'a method that nobody serves': [
    `PROPFIND /${number} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    '404 USG.000000006',
  ],
  TRACE: [`TRACE /v1/usg HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, '404 USG.000000006'],
  QUERY: [
    'QUERY /v1/usg HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}',
    '400 USG.000000003',
  ],
  'a tunnel': [`CONNECT ${number}:443 HTTP/1.1\r\nHost: x\r\n\r\n`, '404 USG.000000006'],
  'OPTIONS of the whole server': [
    'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    '404 USG.000000006',
  ],
  'an upgrade': [
    line('/v1/usg', 'Upgrade: websocket\r\nConnection: Upgrade, close\r\n'),
    '404 USG.000000006',
  ],
  'the preface of HTTP/2': ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', '400 USG.000000003'],
  'TLS where there is none': ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', '400 USG.000000003'],
  'headers over 16 KiB': [line('/v1/usg', `X-Large: ${number.repeat(2_000)}\r\n`), '400 USG.000000003'],
  'a header that is none': [line('/v1/usg', `${number}\r\n`), '400 USG.000000003'],
  'a length that is none': [line('/v1/usg', `Content-Length: ${number}x\r\n`), '400 USG.000000003'],
  'two ways to tell the length': [
    line('/v1/usg', 'Content-Length: 2\r\nTransfer-Encoding: chunked\r\n'),
    '400 USG.000000003',
  ],
  'a body over 16 KiB': [
    `POST ${paths.accountLogin} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 17000\r\n\r\n${'x'.repeat(17_000)}`,
    '400 USG.000000003',
  ],
  'a receipt over 1 MiB': [
    `POST /receipts/nobody HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1048577\r\n\r\n`,
    '400',
  ],
  'a chunk that is none': [
    `POST ${paths.accountLogin} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`,
    '400 USG.000000003',
  ],
}

for (const [what, [bytes, expected]] of Object.entries(edges))
  test(`${what}: the documented answer, counted and logged, and no number in it`, async () => {
    const before = await counted()
    const logged = server.output().split('\n').length
    const answer = await exchange(Buffer.from(bytes, 'latin1'))
    const [head = '', body = ''] = answer.split('\r\n\r\n')
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(head)?.[1]
    assert.equal([status, codeIn(body)].filter(Boolean).join(' '), expected, answer)
    const headers = new Headers(
      head
        .split('\r\n')
        .slice(1)
        .map((one) => one.split(/: */, 2) as [string, string]),
    )
    const id = headers.get('x-request-id') ?? ''
    assert.match(id, /^[0-9a-f]{32}$/)
    const isOfDialect = codeIn(body) !== undefined
    assert.equal(headers.get('cache-control'), isOfDialect ? 'no-cache' : 'no-store')
    assert.equal(headers.get('pragma'), isOfDialect ? 'No-cache' : null)
    for (const [name, value] of [
      ['x-content-type-options', 'nosniff'],
      ['x-frame-options', 'DENY'],
      ['content-security-policy', "default-src 'none'; frame-ancestors 'none'"],
      ['referrer-policy', 'no-referrer'],
    ] as const)
      assert.equal(headers.get(name), value, name)
    assert.ok(!answer.includes(number))
    if (isOfDialect) {
      assert.equal(headers.get('content-type'), 'application/json;charset=UTF-8')
      assert.deepEqual(Object.keys(JSON.parse(body) as object), ['error_code', 'error_msg', 'request_id'])
      assert.equal((JSON.parse(body) as { request_id: string }).request_id, id)
    }
    await until(async () => (await counted()) > before)
    await until(async () =>
      server
        .output()
        .split('\n')
        .slice(logged - 1)
        .some((one) => one.includes(id)),
    )
    assert.ok(
      !server
        .output()
        .split('\n')
        .slice(logged - 1)
        .some((one) => one.includes(number)),
    )
  })

/** Answers counted with a status of 4xx, whatever the route. */
async function counted(): Promise<number> {
  const { text } = await server.call('GET', '/metrics')
  return [...text.matchAll(/^countersign_request_seconds_count\{[^}]*status="4\d\d"\} (\d+)/gm)].reduce(
    (sum, [, count]) => sum + Number(count),
    0,
  )
}
