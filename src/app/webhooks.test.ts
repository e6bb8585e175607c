import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, isIP, type LookupFunction } from 'node:net'
import { after, before, beforeEach, test } from 'node:test'
import { parseKeyRing } from '../code/key-ring.ts'
import { seal } from '../code/seal.ts'
import { newWebhookSecret } from '../code/webhook-signature.ts'
import { createPoster, secretContext } from '../delivery/webhooks/post-event.ts'
import { createHttpClient } from '../providers/http/client.ts'
import type { Webhook } from '../store/webhooks.ts'
import { refusalOf } from './webhooks.ts'

const ring = parseKeyRing(`k1:${randomBytes(32).toString('base64url')}`)
let port = 0
let knocks = 0
const server = createServer((request, response) => {
  request.resume()
  response.writeHead(204).end()
})
before(async () => {
  server.on('connection', () => knocks++)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as AddressInfo).port
})
beforeEach(() => {
  knocks = 0
})
after(() => {
  server.closeAllConnections()
  server.close()
})

const event = { id: 'evt_1', type: 'verification.used', timestamp: '', data: {} } as const
const webhookAt = (url: string): Webhook => ({
  id: 'w',
  tenant: 't',
  app: 'a',
  url,
  description: '',
  types: null,
  isEnabled: true,
  disabledBy: null,
  secrets: [{ sealed: seal(ring, newWebhookSecret(), secretContext('w')), createdAt: 1 }],
  signingKey: null,
  createdAt: 1,
})

/** @param found  The addresses that each look-up of a name gives, by turns. */
async function postTo(
  url: string,
  allowPrivate: readonly string[],
  found: readonly (readonly string[])[] = [],
) {
  let nth = 0
  const lookup = ((_name: string, _options: object, done: (error: null, all: object[]) => void) => {
    const addresses = found[nth++ % found.length]!
    done(
      null,
      addresses.map((address) => ({ address, family: isIP(address) })),
    )
  }) as LookupFunction
  await using poster = {
    ...createPoster({
      ring,
      connect: (to) =>
        createHttpClient({
          server: to,
          allowPrivate,
          ca: null,
          connections: 1,
          ...(found.length > 0 && { lookup }),
        }),
      now: Date.now,
    }),
    async [Symbol.asyncDispose]() {
      await this.close()
    },
  }
  const results = []
  for (let i = 0; i < Math.max(1, found.length); i++) results.push(await poster.post(webhookAt(url), event))
  return results
}

test('no endpoint in a private network is called, however its address is written', async () => {
  for (const host of [
    ...['127.0.0.1', '2130706433', '0x7f.1', '127.1', '0.0.0.0', '10.0.0.1', '192.168.1.1', '172.16.0.1'],
    ...[
      '169.254.169.254',
      '100.64.0.1',
      '[::1]',
      '[::]',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '[::7f00:1]',
    ],
    ...['[64:ff9b::7f00:1]', '[64:ff9b::a9fe:a9fe]', '[fd00::1]', '[fe80::1]', '[2002:7f00:1::]'],
  ])
    for (const scheme of ['http', 'https']) {
      const url = `${scheme}://${host}:${port}/`
      const [result] = await postTo(url, [])
      assert.equal(result!.status, null, url)
      assert.match(result!.reason, /may not be called/, url)
      assert.match(refusalOf(new URL(url), []) ?? '', /private network/, url)
    }
  assert.equal(knocks, 0)
})

test('a name that leads to an open address first and to a private one later is not called there', async () => {
  const url = `http://shop.example:${port}/`
  // Here “open” is what is listed: no test may call anybody outside this machine.
  const results = await postTo(
    url,
    ['127.0.0.9/32'],
    [['10.0.0.1'], ['127.0.0.1'], ['::ffff:127.0.0.1'], ['::1']],
  )
  assert.deepEqual([...new Set(results.map(({ status }) => status))], [null])
  for (const { reason } of results) assert.match(reason, /may not be called/)
  assert.equal(knocks, 0)
  assert.equal(
    refusalOf(new URL('https://shop.example/'), []),
    undefined,
    'a name is judged when it is called',
  )
})

test('what the operator lists is called: a host, an address or a network', async () => {
  for (const allowPrivate of [['127.0.0.1'], ['127.0.0.0/8']]) {
    const url = `http://127.0.0.1:${port}/`
    assert.equal((await postTo(url, allowPrivate))[0]!.status, 204)
    assert.equal(refusalOf(new URL(url), allowPrivate), undefined)
  }
  const named = `http://Hooks.internal:${port}/`
  assert.equal((await postTo(named, ['hooks.internal'], [['127.0.0.1']]))[0]!.status, 204)
  assert.equal(refusalOf(new URL(named), ['hooks.internal']), undefined)
  assert.match(refusalOf(new URL('http://shop.example/'), ['10.0.0.0/8']) ?? '', /https/)
})
