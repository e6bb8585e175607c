import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clientAddressOf, networkOfClient } from './client-address.ts'
import { createServer } from './server.ts'

const app = { id: 'app', tellsClientIp: ['192.0.2.0/24'] }

/** The client's address, and the network that counts, for a request at a server with these proxies. */
async function serverWith(trustedProxies: readonly string[]) {
  const server = createServer({ tls: null, trustedProxies, onAnswer() {} })
  server.get('/', (request, reply) =>
    reply.send({ address: clientAddressOf(request), network: networkOfClient(request, app) }),
  )
  await server.ready()
  return async (remoteAddress: string, headers: Record<string, string>) =>
    (await server.inject({ path: '/', remoteAddress, headers })).json() as {
      address: string
      network: string
    }
}

test('A-4: of forwarded addresses the last one counts that is no trusted proxy, with or without ports', async () => {
  const seen = await serverWith(['10.0.0.0/8', 'fd00::/8'])
  for (const [peer, forwarded, address] of [
    ['10.0.0.1', '203.0.113.7', '203.0.113.7'],
    ['10.0.0.1', '203.0.113.7:40000', '203.0.113.7'],
    ['10.0.0.1', '[2001:db8::7]:40000', '2001:db8:0:0:0:0:0:7'],
    ['10.0.0.1', '198.51.100.1, 203.0.113.7', '203.0.113.7'],
    ['10.0.0.1', '203.0.113.7:40000, 10.0.0.2:443', '203.0.113.7'],
    ['::ffff:10.0.0.1', '203.0.113.7, [fd00::2]:443,\t10.0.0.3', '203.0.113.7'],
    ['10.0.0.1', '10.0.0.9', '10.0.0.9'],
    ['10.0.0.1', '203.0.113.7, unknown', '10.0.0.1'],
    ['10.0.0.1', '203.000.113.007', '10.0.0.1'],
    ['10.0.0.1', '', '10.0.0.1'],
    ['203.0.113.9', '198.51.100.1', '203.0.113.9'],
  ] as const)
    assert.equal((await seen(peer, { 'x-forwarded-for': forwarded })).address, address, forwarded)
})

test('A-9: no header of a stranger moves him into another network', async () => {
  const [direct, proxied] = [await serverWith([]), await serverWith(['10.0.0.1'])]
  const written = fc.oneof(
    fc.constantFrom('1.2.3.4', '1.2.3.4:5', '[::1]:5', 'unknown', '10.0.0.1', '127.0.0.1', '192.0.2.1', ','),
    fc.ipV4(),
    fc.ipV6(),
    fc.string({ unit: fc.constantFrom(...'0123456789abcdef.:,[]% x'), maxLength: 40 }),
  )
  const list = fc.array(written, { maxLength: 4 }).map((all) => all.join(', '))
  await fc.assert(
    fc.asyncProperty(list, list, async (forwarded, told) => {
      const headers = { 'x-forwarded-for': forwarded, 'x-client-ip': told, forwarded: `for=${forwarded}` }
      assert.equal((await direct('203.0.113.9', headers)).network, '203.0.113.9')
      // A proxy adds whom it saw at the end of what its client wrote.
      const through = { ...headers, 'x-forwarded-for': `${forwarded}, 203.0.113.9:1234` }
      assert.equal((await proxied('10.0.0.1', through)).network, '203.0.113.9')
      // The app's servers may report any address; one without a network counts as theirs.
      const { network } = await direct('192.0.2.5', headers)
      assert.match(network, /^(192\.0\.2\.5|app\/(\d+(\.\d+){3}|[\da-f]+(:[\da-f]+){3}::\/64|64:ff9b:1:.+))$/)
    }),
    { numRuns: 300 },
  )
})
