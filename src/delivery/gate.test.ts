import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createGate } from './gate.ts'

test('no more are in flight than the window, and one that leaves makes capacity', () => {
  const gate = createGate({ perSecond: null, window: 2 }, () => 0)
  for (let i = 0; i < 2; i++) {
    assert.equal(gate.capacityInMs(), 0)
    gate.enter()
  }
  assert.equal(gate.capacityInMs(), undefined)
  gate.leave()
  assert.equal(gate.capacityInMs(), 0)
  assert.equal(gate.inFlight, 1)
})

test('a rate below one a second lets one through at a time, and says when the next may', () => {
  let time = 0
  const gate = createGate({ perSecond: 0.5, window: 10 }, () => time)
  assert.equal(gate.capacityInMs(), 0)
  gate.enter()
  assert.equal(gate.capacityInMs(), 2000)
  time = 2000
  assert.equal(gate.capacityInMs(), 0)
})

test('a pause lets none in until it ends, is not cut short by a shorter one, and lasts ten seconds at most', () => {
  let time = 0
  const gate = createGate({ perSecond: null, window: 10 }, () => time)
  gate.pause(4_000)
  gate.pause(1_000)
  assert.deepEqual([gate.capacityInMs(), gate.isPaused], [4_000, true])
  time = 3_999.5
  assert.deepEqual([gate.capacityInMs(), gate.isPaused], [1, true])
  time = 4_000
  assert.deepEqual([gate.capacityInMs(), gate.isPaused], [0, false])
  gate.pause(3_600_000)
  assert.equal(gate.capacityInMs(), 10_000)
})

test('a pause and a rate hold together', () => {
  let time = 0
  const gate = createGate({ perSecond: 0.5, window: 10 }, () => time)
  gate.enter()
  gate.pause(500)
  assert.equal(gate.capacityInMs(), 2_000)
  time = 2_000
  gate.pause(500)
  assert.equal(gate.capacityInMs(), 500)
})

test('whatever the times, no stretch has more than its rate and one burst', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 300 }),
      (perSecond, pauses) => {
        let time = 0
        const gate = createGate({ perSecond, window: 1000 }, () => time)
        const passed: number[] = []
        for (const pause of pauses) {
          time += pause
          if (gate.capacityInMs() !== 0) continue
          gate.enter()
          passed.push(time)
        }
        for (let i = 0; i < passed.length; i++)
          for (let j = i; j < passed.length; j++) {
            const most = perSecond + ((passed[j]! - passed[i]!) / 1000) * perSecond
            assert.ok(j - i + 1 <= most + 1e-6, `${j - i + 1} in ${passed[j]! - passed[i]!} ms`)
          }
      },
    ),
  )
})

test('those who wait for capacity get it when one leaves, in the order they came, or when their time is over', async () => {
  const gate = createGate({ perSecond: null, window: 1 }, () => 0)
  gate.enter()
  const told: string[] = []
  const waits = ['first', 'second'].map((name) => gate.waitForCapacity(10_000).then(() => told.push(name)))
  const brief = gate.waitForCapacity(5).then(() => told.push('brief'))
  await brief
  gate.leave()
  await waits[0]
  assert.deepEqual(told, ['brief', 'first'])
  gate.enter()
  gate.leave()
  await waits[1]
  assert.deepEqual(told, ['brief', 'first', 'second'])
})
