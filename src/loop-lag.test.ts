import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLoopLag } from './loop-lag.ts'
import { createMetrics } from './metrics.ts'

test('at rest the event loop is not measured, so that nothing wakes the process', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const { delays, note } = createLoopLag()
  const enabled = t.mock.method(delays, 'enable')
  const disabled = t.mock.method(delays, 'disable')
  t.mock.timers.tick(60_000)
  assert.equal(enabled.mock.callCount(), 0, 'nothing was answered yet')
  note()
  note()
  t.mock.timers.tick(1_000)
  assert.deepEqual([enabled.mock.callCount(), disabled.mock.callCount()], [1, 0], 'it has just answered')
  t.mock.timers.tick(1_000)
  assert.deepEqual(
    [enabled.mock.callCount(), disabled.mock.callCount()],
    [1, 1],
    'a second without an answer',
  )
  note()
  assert.equal(enabled.mock.callCount(), 2)
  t.mock.timers.tick(2_000)
})

test('delays of the event loop have the names that prom-client gives them, and a value once there is one', async () => {
  const metrics = createMetrics(async () => undefined)
  assert.match(await metrics.registry.metrics(), /^nodejs_eventloop_lag_p99_seconds Nan$/m)
  metrics.loopLag.note()
  while (metrics.loopLag.delays.count === 0) await new Promise((resolve) => setTimeout(resolve, 5))
  const text = await metrics.registry.metrics()
  for (const part of ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'])
    assert.match(text, new RegExp(`^nodejs_eventloop_lag_${part}_seconds [0-9.e-]+$`, 'm'))
  assert.match(text, /^nodejs_eventloop_lag_seconds [0-9.e-]+$/m)
})
