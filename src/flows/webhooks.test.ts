import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newKeyLine, parseKeyRing, renewableRing } from '../code/key-ring.ts'
import type { Services } from './services.ts'
import { createWebhook, type Webhook } from './webhooks.ts'

test('the call that made an endpoint gets its secret again for a day', async () => {
  let now = Date.UTC(2026, 11, 1)
  const kept = new Map<string, Webhook>()
  const services = {
    ring: renewableRing(parseKeyRing(newKeyLine(new Date(now)))),
    webhooks: { refusalOf: () => undefined, refreshReaders: async () => undefined },
    store: {
      now: async () => now,
      webhooks: {
        add: async (webhook: Webhook) => !kept.has(webhook.id) && kept.set(webhook.id, webhook) !== undefined,
        get: async (id: string) => kept.get(id),
      },
    },
  } as unknown as Services
  const wish = { url: 'https://a.example/', description: '', types: null, isAsymmetric: false }
  const by = { tenant: 'shop', app: 'app', key: 'key', requestId: 'r' }
  const make = () => createWebhook(services, by, wish, 'call')
  const first = await make()
  assert.ok(first.kind === 'created')
  now += 86_399_999
  const again = await make()
  assert.ok(again.kind === 'created' && again.isReplay)
  assert.equal(again.secret, first.secret)
  now++
  assert.deepEqual(await make(), { kind: 'told-before' })
})
