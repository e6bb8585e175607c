import assert from 'node:assert/strict'
import dns from 'node:dns'
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { syncBuiltinESMExports } from 'node:module'
import { type AddressInfo, isIP, type LookupFunction } from 'node:net'
import { type TestContext, test } from 'node:test'
import {
  callOf,
  failureOf,
  listening,
  never,
  phoneMessage,
  providerAt,
  startCarrier,
} from '../../../test/http-carrier.ts'
import { networksOf, privateNetworks } from '../../network/networks.ts'
import { createHttpClient, Lost } from './client.ts'

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
    '0',
    '[::]',
    '[::7f00:1]',
    '[0:0:0:0:0:ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '１２７.0.0.1',
  ]) {
    const provider = providerAt(t, `http://${host}:${port}`, { allowPrivate: [] })
    const error = await failureOf(provider.send(phoneMessage, never))
    assert.equal(error.kind, 'unavailable', host)
    assert.match(error.providerCode, /may not be called/, `${host}: ${error.providerCode}`)
  }
  assert.equal(asked, 0)
  for (const allowPrivate of [['127.0.0.1'], ['127.0.0.0/8'], ['10.0.0.1', '127.0.0.0/31']])
    assert.equal(
      (await providerAt(t, `http://127.0.0.1:${port}`, { allowPrivate }).send(phoneMessage, never)).id,
      '1',
    )
})

/** A client of a name with scripted addresses, and the number of connections to each of this machine's addresses. */
async function named(t: TestContext, looks: readonly (readonly string[])[], allowPrivate: readonly string[]) {
  const knocks: Record<string, number> = { '127.0.0.1': 0, '127.0.0.2': 0 }
  let port = 0
  for (const address of Object.keys(knocks)) {
    const server = createHttpServer((request, response) => {
      request.resume()
      response.end('{"ok":true,"id":"1"}')
    })
    server.on('connection', () => knocks[address]!++)
    server.listen(port, address)
    await once(server, 'listening')
    ;({ port } = server.address() as AddressInfo)
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
  }
  let nth = 0
  const lookup = ((_name: string, _options: object, done: (error: null, found: object[]) => void) => {
    const found = looks[nth++ % looks.length]!
    done(
      null,
      found.map((address) => ({ address, family: isIP(address) })),
    )
  }) as LookupFunction
  const client = createHttpClient({
    server: `http://carrier.example:${port}`,
    allowPrivate,
    ca: null,
    connections: 1,
    lookup,
  })
  t.after(() => client.close())
  const request = { method: 'POST', origin: '', path: '/', headers: {}, body: 'x' } as const
  const call = () => client.exchange(request, never).catch((error: unknown) => error)
  return { call, knocks, looks: () => nth }
}

test('a name that leads to an open address when judged and to a private one when called is not called', async (t) => {
  // Here "open" is what allowPrivate lists: nobody outside this machine may be called by a test.
  const { call, knocks } = await named(t, [['127.0.0.2'], ['127.0.0.1']], ['127.0.0.2'])
  for (let i = 0; i < 4; i++) await call()
  assert.deepEqual(knocks['127.0.0.1'], 0)
  assert.ok(knocks['127.0.0.2']! > 0)
})

test('A-12: the name of a carrier is looked up without a thread', async (t) => {
  const server = createHttpServer((_, response) => response.end('{}'))
  const port = await listening(t, server)
  const byThread = t.mock.method(dns, 'lookup')
  syncBuiltinESMExports()
  const client = createHttpClient({
    server: `http://localhost:${port}`,
    allowPrivate: ['localhost'],
    ca: null,
    connections: 1,
  })
  t.after(() => client.close())
  const request = { method: 'POST', origin: '', path: '/', headers: {}, body: 'x' } as const
  assert.equal((await client.exchange(request, never)).status, 200)
  assert.equal(byThread.mock.callCount(), 0)
  byThread.mock.restore()
  syncBuiltinESMExports()
})

test('of a name with open and private addresses only the open ones are called', async (t) => {
  for (const found of [
    ['127.0.0.2', '127.0.0.1'],
    ['127.0.0.1', '127.0.0.2'],
    ['10.0.0.1', '::1', '127.0.0.1'],
  ]) {
    const { call, knocks } = await named(t, [found], ['127.0.0.1'])
    assert.equal(((await call()) as { status?: number }).status, 200)
    assert.deepEqual(knocks, { '127.0.0.1': 1, '127.0.0.2': 0 })
  }
})

test('a name in allowPrivate may lead to private addresses; another name may not, nor to the open ones without TLS', async (t) => {
  const listed = await named(t, [['127.0.0.1']], ['Carrier.example'])
  assert.equal(((await listed.call()) as { status?: number }).status, 200)
  for (const found of [
    ['127.0.0.1'],
    ['::ffff:127.0.0.1'],
    ['::ffff:7f00:1'],
    ['::7f00:1'],
    ['64:ff9b::7f00:1'],
    ['64:ff9b:1::7f00:1'],
    ['2002:7f00:1::1'],
    ['0.0.0.0'],
    ['127.0.0.1', '10.0.0.1', 'fd00::1'],
    ['192.0.2.1'],
    ['1.1.1.1'],
  ]) {
    const { call, knocks, looks } = await named(t, [found], ['other.example', '127.0.0.3', '10.1.0.0/16'])
    const error = await call()
    assert.ok(error instanceof Lost && !error.wasSent, String(found))
    assert.match(error.message, /^carrier\.example may not be called/)
    assert.deepEqual([knocks, looks()], [{ '127.0.0.1': 0, '127.0.0.2': 0 }, 1], String(found))
  }
})

test('a call-back calls nobody, whatever it holds', async (t) => {
  const own = await startCarrier(t, {
    carrier: 'twilio',
    accountSid: `AC${'0'.repeat(32)}`,
    authToken: 't',
    from: 'X',
  })
  const url = 'http://127.0.0.1:9/'
  const looked = [t.mock.method(dns, 'lookup'), t.mock.method(dns.promises.Resolver.prototype, 'resolve4')]
  for (const body of [
    `StatusCallback=${url}&MessageSid=${url}&MessageStatus=delivered`,
    `{"url":"${url}"}`,
    url,
  ])
    for (const headers of [{}, { host: '127.0.0.1:9', location: url, 'x-twilio-signature': url }])
      assert.equal((await own.provider.receipts!(callOf({ body, headers, query: `url=${url}` }))).status, 403)
  assert.deepEqual(
    [own.requests.length, own.receipts.length, ...looked.map((one) => one.mock.callCount())],
    [0, 0, 0, 0],
  )
})

test('the table of networks has what is not the public internet, and not what is', () => {
  const networks = networksOf(privateNetworks)
  for (const address of [
    ...[
      '0.0.0.0',
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
