import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTimeLimits } from './time-limits.ts'

const limited = (until: number, isAborted?: () => boolean) => {
  const ended = Promise.withResolvers<number>()
  return { until, expire: () => ended.resolve(performance.now()), ended, ...(isAborted && { isAborted }) }
}

test('what takes too long is ended, and what ended before is not', async () => {
  const limits = createTimeLimits(5)
  const now = performance.now()
  const [long, done, after] = [limited(now + 30), limited(now + 30), limited(now + 60)]
  for (const one of [long, done, after]) limits.add(one)
  limits.delete(done)
  assert.ok((await long.ended.promise) >= now + 30)
  assert.ok((await after.ended.promise) >= now + 60)
  assert.equal(await Promise.race([done.ended.promise, 'not ended']), 'not ended')
})

test('what is aborted is ended before its time', async () => {
  let isAborted = false
  const limits = createTimeLimits(5)
  const one = limited(performance.now() + 3_600_000, () => isAborted)
  limits.add(one)
  isAborted = true
  await one.ended.promise
})

test('nothing ticks while nothing is under way', async (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const set = t.mock.method(globalThis, 'setInterval')
  const cleared = t.mock.method(globalThis, 'clearInterval')
  const limits = createTimeLimits(5)
  const one = limited(performance.now() + 3_600_000)
  limits.add(one)
  limits.add(limited(0))
  limits.delete(one)
  t.mock.timers.tick(5)
  assert.deepEqual([set.mock.callCount(), cleared.mock.callCount()], [1, 1])
  limits.add(one)
  assert.equal(set.mock.callCount(), 2)
  t.mock.timers.reset()
})
