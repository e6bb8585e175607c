import assert from 'node:assert/strict'
import { createServer as createHttpsServer } from 'node:https'
import { createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { generate } from 'selfsigned'
import {
  failureOf,
  listening,
  never,
  phoneMessage,
  plainBlock,
  providerAt,
  startCarrier,
} from '../../../test/http-carrier.ts'

/** A server of plain sockets that acts by the script of the test once a whole request is there. */
async function rawServer(t: TestContext, act: (socket: Socket, request: string) => void): Promise<number> {
  const server = createServer((socket) => {
    t.after(() => socket.destroy())
    let request = ''
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      request += chunk
      if (request.includes('012345')) act(socket, request)
    })
  })
  return listening(t, server)
}

const soon = () => ({ signal: AbortSignal.timeout(400) })
const answer = (body: string, status = '200 OK') =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

const faults: readonly (readonly [
  name: string,
  act: (socket: Socket) => void,
  kind: string,
  words: RegExp,
])[] = [
  ['500', (socket) => socket.write(answer('{"why":"broken"}', '500 No')), 'unavailable', /^500 broken/],
  ['429', (socket) => socket.write(answer('{}', '429 Slow')), 'throttled', /^429/],
  [
    '200 with an error',
    (socket) => socket.write(answer('{"ok":false,"why":"no money"}')),
    'unavailable',
    /no money/,
  ],
  ['accepted without an id', (socket) => socket.write(answer('{"ok":true}')), 'unknown', /without an id/],
  ['garbage for JSON', (socket) => socket.write(answer('<html>')), 'unavailable', /^200/],
  ['an empty answer', (socket) => socket.write(answer('')), 'unavailable', /^200/],
  [
    'a redirect, which is not followed',
    (socket) =>
      socket.write('HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n'),
    'unavailable',
    /^302/,
  ],
  ['silence', () => undefined, 'unknown', /no answer in time/],
  [
    'a slow loris in the head',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nX-A: ')
      const timer = setInterval(() => socket.write('a'), 50)
      socket.on('close', () => clearInterval(timer))
    },
    'unknown',
    /no answer in time/,
  ],
  [
    'a slow loris in the body',
    (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n{')
      const timer = setInterval(() => socket.write(' '), 50)
      socket.on('close', () => clearInterval(timer))
    },
    'unknown',
    /no answer in time/,
  ],
  [
    'a huge body',
    (socket) => socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n${'x'.repeat(200_000)}`),
    'unknown',
    /beyond 64 KiB/,
  ],
  [
    '200 with an error in another charset',
    (socket) => {
      const body = Buffer.from('{"ok":false,"why":"\xfcber das Limit"}', 'latin1')
      socket.write(
        `HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n`,
      )
      socket.write(body)
    },
    'unavailable',
    /^200 \uFFFDber das Limit$/,
  ],
  ['no HTTP at all', (socket) => socket.write('220 mail.example.com ESMTP\r\n'), 'unknown', /./],
  ['a connection reset', (socket) => socket.resetAndDestroy(), 'unknown', /./],
  [
    'an end in the middle of the answer',
    (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{"ok"'),
    'unknown',
    /./,
  ],
]

for (const [name, act, kind, words] of faults)
  test(`${name} is ${kind}`, async (t) => {
    const port = await rawServer(t, act)
    const error = await failureOf(providerAt(t, `http://127.0.0.1:${port}`).send(phoneMessage, soon()))
    assert.equal(error.kind, kind, error.providerCode)
    assert.match(error.providerCode, words)
  })

test('nobody there, and a name that is none, are unavailable: nothing went out', async (t) => {
  const server = createServer()
  const port = await listening(t, server)
  server.close()
  for (const at of [`http://127.0.0.1:${port}`, 'https://no-such-host.invalid'])
    assert.equal((await failureOf(providerAt(t, at).send(phoneMessage, never))).kind, 'unavailable')
})

test('a certificate that is not trusted gets nothing; one of caFile is', async (t) => {
  const pair = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  let asked = 0
  const server = createHttpsServer({ key: pair.private, cert: pair.cert }, (request, response) => {
    asked++
    request.resume()
    response.end('{"ok":true,"id":"1"}')
  })
  const port = await listening(t, server)
  t.after(() => server.closeAllConnections())
  const at = `https://127.0.0.1:${port}`
  const error = await failureOf(providerAt(t, at).send(phoneMessage, never))
  assert.equal(error.kind, 'unavailable')
  assert.match(error.providerCode, /CERT/)
  assert.equal(asked, 0)
  assert.deepEqual(await providerAt(t, at, { ca: pair.cert }).send(phoneMessage, never), { id: '1' })
})

test('an answer that begins with a byte order mark is read all the same', async (t) => {
  const port = await rawServer(t, (socket) => socket.write(answer('\uFEFF{"ok":true,"id":"1"}')))
  assert.deepEqual(await providerAt(t, `http://127.0.0.1:${port}`).send(phoneMessage, soon()), { id: '1' })
})

test('a certificate of a trusted authority for another host gets nothing', async (t) => {
  const pair = await generate([{ name: 'commonName', value: 'other.example' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'other.example' }] }],
  })
  let asked = 0
  const server = createHttpsServer({ key: pair.private, cert: pair.cert }, () => asked++)
  const port = await listening(t, server)
  const provider = providerAt(t, `https://127.0.0.1:${port}`, { ca: pair.cert })
  const error = await failureOf(provider.send(phoneMessage, never))
  assert.deepEqual([error.kind, asked], ['unavailable', 0])
  assert.match(error.providerCode, /ALTNAME/)
})

test('a connection that is reset before the request was read is unknown: it was on its way', async (t) => {
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    setTimeout(() => socket.resetAndDestroy(), 100)
  })
  const port = await listening(t, server)
  const error = await failureOf(providerAt(t, `http://127.0.0.1:${port}`).send(phoneMessage, never))
  assert.equal(error.kind, 'unknown')
})

test('given up after the request was read, it is unknown, and its connection is closed', async (t) => {
  const controller = new AbortController()
  const closed = Promise.withResolvers<void>()
  const port = await rawServer(t, (socket) => {
    socket.once('close', () => closed.resolve())
    controller.abort()
  })
  const provider = providerAt(t, `http://127.0.0.1:${port}`)
  assert.equal((await failureOf(provider.send(phoneMessage, { signal: controller.signal }))).kind, 'unknown')
  await closed.promise
})

test('what is given up holds no place: with one connection at most, the next message goes out', async (t) => {
  let asked = 0
  const read = Promise.withResolvers<void>()
  const port = await rawServer(t, (socket) => {
    if (++asked === 1) return read.resolve()
    socket.write(answer('{"ok":true,"id":"2"}'))
  })
  const provider = providerAt(t, `http://127.0.0.1:${port}`, { window: 1 })
  const controller = new AbortController()
  const given = failureOf(provider.send(phoneMessage, { signal: controller.signal }))
  await read.promise
  controller.abort()
  assert.equal((await given).kind, 'unknown')
  // Less than the time after which the client ends an exchange by itself.
  const next = provider.send(phoneMessage, { signal: AbortSignal.timeout(5_000) })
  assert.deepEqual(await next, { id: '2' })
})

test('what waits for a connection and is given up never goes out, and the others do', async (t) => {
  const waiting: Socket[] = []
  let asked = 0
  const first = Promise.withResolvers<void>()
  const port = await rawServer(t, (socket) => {
    asked++
    waiting.push(socket)
    first.resolve()
  })
  const provider = providerAt(t, `http://127.0.0.1:${port}`, { window: 1 })
  const taken = provider.send(phoneMessage, never)
  await first.promise
  const controller = new AbortController()
  const given = failureOf(provider.send(phoneMessage, { signal: controller.signal }))
  controller.abort()
  const error = await given
  assert.deepEqual([error.kind, error.providerCode], ['unavailable', 'no connection in time'])
  waiting[0]!.write(answer('{"ok":true,"id":"1"}'))
  assert.deepEqual(await taken, { id: '1' })
  const again = provider.send(phoneMessage, never)
  while (waiting.length < 2) await new Promise(setImmediate)
  waiting[1]!.write(answer('{"ok":true,"id":"2"}'))
  assert.deepEqual([await again, asked], [{ id: '2' }, 2])
})

test('a token that would break a header is not sent at all', async (t) => {
  const sign = { bearer: { token: '{{ token }}' } }
  const needs = { token: { description: 'A token.' } }
  const { provider, requests } = await startCarrier(t, {
    block: { ...plainBlock, needs, request: { ...plainBlock.request, sign } } as never,
    token: 'a\r\nX-Evil: 1',
  })
  const error = await failureOf(provider.send(phoneMessage, never))
  assert.deepEqual([error.kind, requests.length], ['unavailable', 0])
})

test('after every kind of fault no connection and no timer is left', async (t) => {
  const held = () => {
    const all = process.getActiveResourcesInfo()
    return ['TCPSocketWrap', 'TLSWrap', 'Timeout'].map((kind) => all.filter((one) => one === kind).length)
  }
  const before = held()
  for (const [, act] of faults) {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => sockets.delete(socket))
      socket.once('data', () => act(socket))
    })
    const provider = providerAt(t, `http://127.0.0.1:${await listening(t, server)}`)
    await failureOf(provider.send(phoneMessage, { signal: AbortSignal.timeout(50) }))
    await provider.close?.()
    while (sockets.size > 0) await new Promise((done) => setTimeout(done, 5))
  }
  // What was closed leaves in the turns that follow; what tests before left may leave too.
  const isLeft = () => held().some((count, i) => count > before[i]!)
  for (let i = 0; i < 50 && isLeft(); i++) await new Promise((done) => setTimeout(done, 10))
  assert.equal(isLeft(), false, `${held()} and not ${before}`)
})

test('given up before a connection is there, nothing goes out', async (t) => {
  const { provider, requests } = await startCarrier(t, { block: plainBlock as never })
  const error = await failureOf(provider.send(phoneMessage, { signal: AbortSignal.abort() }))
  assert.equal(error.kind, 'unavailable')
  assert.equal(requests.length, 0)
})

/** A server that answers every request at once, by `told`, and counts connections and requests. */
async function countingServer(t: TestContext, told: string) {
  const count = { connections: 0, requests: 0 }
  const server = createServer((socket) => {
    count.connections++
    t.after(() => socket.destroy())
    socket.on('error', () => undefined)
    // A request of a test arrives in one piece.
    socket.on('data', () => {
      count.requests++
      socket.write(told)
    })
  })
  return { count, port: await listening(t, server) }
}

const accepted = '{"ok":true,"id":"1"}'

test('messages follow one another on connections that are kept', async (t) => {
  const { count, port } = await countingServer(t, answer(accepted))
  const provider = providerAt(t, `http://127.0.0.1:${port}`)
  for (let i = 0; i < 5; i++) await provider.send(phoneMessage, never)
  assert.equal(count.requests, 5)
  // The next may come before the connection of the one before is free.
  assert.ok(count.connections <= 2, `${count.connections} connections`)
})

test('messages that come together have as many connections as the window, and all go out', async (t) => {
  const { count, port } = await countingServer(t, answer(accepted))
  const provider = providerAt(t, `http://127.0.0.1:${port}`, { window: 3 })
  await Promise.all(Array.from({ length: 20 }, () => provider.send(phoneMessage, never)))
  assert.deepEqual(count, { connections: 3, requests: 20 })
})

for (const [name, told] of [
  ['will close it', answer(accepted).replace('\r\n', '\r\nConnection: close\r\n')],
  ['keeps it no longer than a second', answer(accepted).replace('\r\n', '\r\nKeep-Alive: timeout=1\r\n')],
  ['has put more than an answer on it', `${answer(accepted)}HTTP/1.1 200 OK\r\n`],
] as const)
  test(`no message goes out on a connection of a server that ${name}`, async (t) => {
    const { count, port } = await countingServer(t, told)
    const provider = providerAt(t, `http://127.0.0.1:${port}`)
    for (let i = 0; i < 3; i++) await provider.send(phoneMessage, never)
    assert.deepEqual(count, { connections: 3, requests: 3 })
  })

test('a connection that the server has closed is not used: the next message is taken', async (t) => {
  const sockets: Socket[] = []
  const port = await rawServer(t, (socket) => {
    sockets.push(socket)
    socket.write(answer(accepted))
  })
  const provider = providerAt(t, `http://127.0.0.1:${port}`)
  for (let i = 0; i < 3; i++) {
    assert.deepEqual(await provider.send(phoneMessage, never), { id: '1' })
    const closed = new Promise((resolve) => sockets[i]!.once('close', resolve))
    sockets[i]!.end()
    await closed
  }
})

test('over TLS messages follow one another on connections that are kept, with texts of any language', async (t) => {
  const pair = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
  })
  const bodies: string[] = []
  let connections = 0
  const server = createHttpsServer({ key: pair.private, cert: pair.cert }, async (request, response) => {
    let body = ''
    for await (const chunk of request.setEncoding('utf8')) body += chunk
    bodies.push(JSON.parse(body).text)
    response.write('{"ok":true,')
    response.end(`"id":"${body.length}"}`)
  })
  server.on('secureConnection', () => connections++)
  const port = await listening(t, server)
  t.after(() => server.closeAllConnections())
  const provider = providerAt(t, `https://127.0.0.1:${port}`, { ca: pair.cert })
  const texts = ['您的验证码是 012345', `Ваш код 012345 ${'ы'.repeat(40_000)}`, 'code 012345 😀']
  for (const text of texts) await provider.send({ ...phoneMessage, text }, never)
  assert.deepEqual(bodies, texts)
  assert.ok(connections <= 2, `${connections} connections`)
})
