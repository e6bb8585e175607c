import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createAnswerReader, type Reading } from './answer-reader.ts'

/** What one connection comes to: all answers, or why it is of no use. */
function read(pieces: readonly Buffer[], isEnded = true): readonly Reading[] {
  const reader = createAnswerReader()
  // As in a connection, all pieces pass through one buffer.
  const shared = Buffer.alloc(200_000)
  const readings: Reading[] = []
  for (const piece of pieces) {
    shared.fill('?')
    piece.copy(shared)
    const reading = reader.push(shared.subarray(0, piece.length))
    if (reading.kind !== 'more') readings.push(reading)
  }
  shared.fill('?')
  if (readings.length === 0 && isEnded) readings.push(reader.end())
  return readings
}

const one = (text: string) => read([Buffer.from(text, 'latin1')])[0]!

const good: readonly (readonly [name: string, text: string, body: string, isReusable: boolean])[] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi', 'hi', true],
  ['an empty body', 'HTTP/1.1 202 \r\ncontent-length:0\r\n\r\n', '', true],
  ['no reason', 'HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi', 'hi', true],
  [
    'the same length twice',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi',
    'hi',
    true,
  ],
  ['no body by its status', 'HTTP/1.1 204 No Content\r\n\r\n', '', true],
  [
    'chunks, an extension and a trailer',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;a=b\r\nhi\r\n00A\r\n, 12345678\r\n0\r\nX-Sum: 1\r\n\r\n',
    'hi, 12345678',
    true,
  ],
  ['the end of the connection', 'HTTP/1.1 200 OK\r\nX-A: b\r\n\r\nhi', 'hi', false],
  ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi', 'hi', false],
  [
    'HTTP/1.0 that keeps the connection',
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi',
    'hi',
    true,
  ],
  ['Connection: close', 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi', 'hi', false],
  [
    'interim answers before it',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi',
    'hi',
    true,
  ],
]

for (const [name, text, body, isReusable] of good)
  test(`an answer with ${name} is read, wherever its bytes are cut`, () => {
    fc.assert(
      fc.property(fc.array(fc.nat(text.length), { maxLength: 8 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), text.length]
        const pieces = at.slice(1).map((to, i) => Buffer.from(text.slice(at[i], to), 'latin1'))
        const [reading, ...more] = read(pieces)
        assert.equal(reading?.kind, 'whole', JSON.stringify(reading))
        assert.deepEqual([reading.answer.text, reading.isReusable, more.length], [body, isReusable, 0])
      }),
    )
  })

test('headers have names in lower case, values without the space around, and several of a name as one', () => {
  const reading = one(
    'HTTP/1.1 429 Slow\r\nRetry-After:  7 \r\nX-A: a\r\nx-a: b\r\nX-Folded: c\r\n  d\r\nKeep-Alive: timeout=5, max=100\r\nContent-Length: 0\r\n\r\n',
  )
  assert.ok(reading.kind === 'whole')
  assert.equal(reading.answer.status, 429)
  assert.equal(reading.keptMs, 5_000)
  assert.deepEqual(
    { ...reading.answer.headers },
    {
      'retry-after': '7',
      'x-a': 'a, b',
      'x-folded': 'c d',
      'keep-alive': 'timeout=5, max=100',
      'content-length': '0',
    },
  )
})

test('a body beyond ASCII is read as UTF-8, also where a character is cut', () => {
  const body = Buffer.from('已发送 ✓')
  const head = Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n`)
  for (let at = 0; at <= body.length; at++) {
    const [reading] = read([head, body.subarray(0, at), body.subarray(at)])
    assert.equal(reading?.kind === 'whole' && reading.answer.text, '已发送 ✓')
  }
})

test('bytes beyond an answer are nobody’s, and no request follows them', () => {
  for (const text of [
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n',
    'HTTP/1.1 204 No Content\r\n\r\n{}',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx',
  ]) {
    const reading = one(text)
    assert.equal(reading.kind === 'whole' && reading.isReusable, false, text)
  }
})

const head = 'HTTP/1.1 200 OK\r\n'
const bad: readonly (readonly [name: string, text: string, reason: RegExp])[] = [
  ['another protocol', '220 mail.example.com ESMTP\r\n', /not HTTP/],
  ['HTTP/2', 'HTTP/2 200\r\n\r\n', /not HTTP/],
  ['no status', 'HTTP/1.1 OK\r\n\r\n', /not HTTP/],
  ['an upgrade', 'HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n', /101/],
  ['a header without a name', `${head}: a\r\n\r\n`, /malformed header/],
  ['a header with a space in its name', `${head}Content-Length : 2\r\n\r\nhi`, /malformed header/],
  ['a first header that is folded', `${head} a\r\n\r\n`, /malformed header/],
  ['two lengths', `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi`, /two lengths/],
  ['a length and chunks', `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`, /two lengths/],
  ['a negative length', `${head}Content-Length: -1\r\n\r\n`, /no readable length/],
  ['a length in hexadecimal', `${head}Content-Length: 0x2\r\n\r\nhi`, /no readable length/],
  ['another coding', `${head}Transfer-Encoding: gzip, chunked\r\n\r\n`, /unknown transfer coding/],
  ['a chunk without a length', `${head}Transfer-Encoding: chunked\r\n\r\nhi\r\n`, /no readable length/],
  ['a chunk that is too long', `${head}Transfer-Encoding: chunked\r\n\r\n1\r\nhi\r\n`, /another length/],
  [
    'an endless chunk line',
    `${head}Transfer-Encoding: chunked\r\n\r\n1;${'a'.repeat(2_000)}`,
    /endless line/,
  ],
  [
    'endless trailers',
    `${head}Transfer-Encoding: chunked\r\n\r\n0\r\n${'a: b\r\n'.repeat(200)}`,
    /endless trailers/,
  ],
  ['an endless head', `${head}${'a: b\r\n'.repeat(5_000)}`, /beyond 16 KiB/],
  ['endless interim answers', 'HTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n'.repeat(1_000), /beyond 16 KiB/],
  ['a body too large by its length', `${head}Content-Length: 65537\r\n\r\n`, /^200, an answer beyond 64 KiB/],
  ['a body too large until the end', `${head}\r\n${'a'.repeat(65_537)}`, /beyond 64 KiB/],
  [
    'a body too large in chunks',
    `${head}Transfer-Encoding: chunked\r\n\r\n${`8000\r\n${'a'.repeat(0x8000)}\r\n`.repeat(3)}`,
    /beyond 64 KiB/,
  ],
  ['an end within the head', 'HTTP/1.1 200 OK\r\nConten', /closed before/],
  ['an end within the body', `${head}Content-Length: 5\r\n\r\nhi`, /closed before/],
  ['an end within the chunks', `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhi`, /closed before/],
  ['nothing', '', /closed before/],
]

for (const [name, text, reason] of bad)
  test(`an answer with ${name} is none, wherever its bytes are cut`, () => {
    for (let cut = 0; cut <= text.length; cut += 1 + Math.floor(text.length / 50)) {
      const [reading] = read([text.slice(0, cut), text.slice(cut)].map((one) => Buffer.from(one)))
      assert.equal(reading?.kind, 'broken', `cut at ${cut}: ${JSON.stringify(reading)}`)
      assert.match(reading.reason, reason)
    }
  })

test('whatever bytes come, reading them ends in an answer, in a reason or in waiting', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'),
      fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 10 }),
      (start, pieces) => {
        read([Buffer.from(start), ...pieces.map((one) => Buffer.from(one))])
      },
    ),
  )
})
