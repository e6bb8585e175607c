import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from './metrics.ts'

test('a scrape asks the store once and shows what it says now', async () => {
  let asked = 0
  const metrics = createMetrics(async () => ({ queued: ++asked, oldestMs: 1500, live: 7 }))
  for (const expected of [1, 2]) {
    const text = await metrics.registry.metrics()
    assert.match(text, new RegExp(`^countersign_outbox_messages ${expected}$`, 'm'))
    assert.match(text, /^countersign_outbox_oldest_seconds 1\.5$/m)
    assert.match(text, /^countersign_live_verifications 7$/m)
  }
  assert.equal(asked, 2)
})

test('with the store away there is no value, rather than a zero nobody counted', async () => {
  const text = await createMetrics(async () => undefined).registry.metrics()
  assert.match(text, /^countersign_outbox_messages Nan$/m)
})
