import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../metrics.ts'
import type { RecordedDispatch } from '../store/dispatches.ts'
import { countUse } from './count-use.ts'

const accepted: RecordedDispatch = {
  message: 'm',
  nth: 1,
  channel: 'sms',
  provider: 'one',
  region: 'CN',
  outcome: 'accepted',
  providerCode: '',
  providerMessageId: '',
  queuedAt: 1000,
  handedOverAt: 1002,
  answeredAt: 3000,
  segments: null,
  price: null,
  next: 'done',
  isLate: false,
  receipt: null,
}
const used = { isFirst: true, issuedAt: 1000, usedAt: 2000, broughtBy: null }

test('a code used before its dispatch is recorded counts for the carrier that brought it, once it is', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const metrics = createMetrics(async () => undefined)
  let looks = 0
  const store = {
    dispatches: {
      of: async () =>
        ++looks > 1 ? [{ ...accepted, provider: 'late', handedOverAt: 2500 }, accepted].toReversed() : [],
    },
  }
  countUse({ metrics, store }, { id: 'v', isTest: false }, used)
  countUse({ metrics, store }, { id: 'v', isTest: true }, used)
  for (const ms of [500, 2_000, 10_000]) {
    t.mock.timers.tick(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(looks, 2)
  assert.match(
    await metrics.registry.metrics(),
    /^countersign_used_total\{provider="one",channel="sms",country="CN"\} 1$/m,
  )
})
