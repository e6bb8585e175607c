import assert from 'node:assert/strict'
import dns from 'node:dns'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { generate } from 'selfsigned'
import { failureOf, never, phoneMessage, settingsOf, startCarrier } from '../../../test/http-carrier.ts'
import { createHttpClient, Lost } from './client.ts'
import { createHttpProvider } from './http-provider.ts'
import { networksOf, privateNetworks } from './networks.ts'

const block = {
  channels: ['sms'],
  request: { server: 'https://carrier.example', path: '/send', json: { to: '{{ to }}', text: '{{ text }}' } },
  answer: { accepted: { status: 200, '/ok': true }, id: '/id', words: ['/why'] },
} as const

async function listening(t: TestContext, server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A server of plain sockets that does as it is told once a whole request is there. */
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

function providerAt(t: TestContext, server: string, more: object = {}) {
  const provider = createHttpProvider(
    {
      ...settingsOf({ block }),
      name: 'carrier',
      server,
      allowPrivate: ['127.0.0.1'],
      ...more,
    },
    async () => undefined,
  )
  t.after(() => provider.close?.())
  return provider
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
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{')
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

test('private addresses in every form are no targets, unless they are listed', async (t) => {
  let asked = 0
  const server = createHttpServer((_, response) => {
    asked++
    response.end('{"ok":true,"id":"1"}')
  })
  const port = await listening(t, server)
  t.after(() => server.closeAllConnections())
  // As a URL reads them, all of these are 127.0.0.1, or this machine by another name.
  for (const host of [
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '0177.0.0.1',
    '127.1',
    'localhost',
    '[::ffff:127.0.0.1]',
    '[::1]',
    '0.0.0.0',
  ]) {
    const provider = providerAt(t, `http://${host}:${port}`, { allowPrivate: [] })
    const error = await failureOf(provider.send(phoneMessage, never))
    assert.equal(error.kind, 'unavailable', host)
    assert.match(error.providerCode, /may not be called/, `${host}: ${error.providerCode}`)
  }
  assert.equal(asked, 0)
  for (const allowPrivate of [['127.0.0.1'], ['127.0.0.0/8']])
    assert.equal(
      (await providerAt(t, `http://127.0.0.1:${port}`, { allowPrivate }).send(phoneMessage, never)).id,
      '1',
    )
})

test('a name that leads outside when it is judged and inside when it is called is refused', async (t) => {
  let connections = 0
  const server = createServer((socket) => {
    connections++
    socket.destroy()
  })
  const port = await listening(t, server)
  const real = dns.lookup
  let looks = 0
  // One answer for both uses is what holds: each connection judges the very addresses it goes to.
  const rebinding = ((_name: string, _options: object, done: (error: null, found: object[]) => void) => {
    looks++
    done(null, [{ address: looks % 2 === 1 ? '10.0.0.1' : '127.0.0.1', family: 4 }])
  }) as unknown as typeof dns.lookup
  t.mock.method(dns, 'lookup', rebinding)
  const { syncBuiltinESMExports } = await import('node:module')
  syncBuiltinESMExports()
  t.after(() => {
    dns.lookup = real
    syncBuiltinESMExports()
  })
  const client = createHttpClient({
    server: `https://rebinding.example:${port}`,
    allowPrivate: [],
    ca: null,
    connections: 1,
  })
  t.after(() => client.close())
  const request = { method: 'POST', origin: '', path: '/', headers: {}, body: 'x' } as const
  for (let i = 0; i < 3; i++)
    await assert.rejects(
      client.exchange(request, never.signal),
      (error) => error instanceof Lost && !error.wasSent,
    )
  assert.ok(looks > 0)
  assert.equal(connections, 0)
})

test('the table of networks has what is not the public internet, and not what is', () => {
  const networks = networksOf(privateNetworks)
  for (const address of [
    ...[
      '10.1.2.3',
      '172.31.255.255',
      '192.168.0.1',
      '100.64.0.1',
      '169.254.169.254',
      '224.0.0.1',
      '255.255.255.255',
    ],
    ...['::', '::1', '::ffff:10.0.0.1', 'fe80::1', 'fd00::1', '64:ff9b::a00:1', '2002:a00:1::', 'ff02::1'],
  ])
    assert.equal(networks.has(address), true, address)
  for (const address of [
    '1.1.1.1',
    '172.32.0.1',
    '100.128.0.1',
    '8.8.8.8',
    '2606:4700::1111',
    '2a00:1450::1',
  ])
    assert.equal(networks.has(address), false, address)
})

test('given up before a connection is there, nothing goes out', async (t) => {
  const { provider, requests } = await startCarrier(t, { block: block as never })
  const error = await failureOf(provider.send(phoneMessage, { signal: AbortSignal.abort() }))
  assert.equal(error.kind, 'unavailable')
  assert.equal(requests.length, 0)
})
