import assert from 'node:assert/strict'
import { test } from 'node:test'
import { trackCalls } from './calls.ts'

const unavailable = { code: 'store.unavailable' }
/** Far longer than a test may take. */
const patient = { deadlineMs: 600_000 }

test('a call is refused at its deadline, counted once, and an answer that comes later changes nothing', {
  timeout: 30_000,
}, async () => {
  const answered: string[] = []
  const calls = trackCalls({ deadlineMs: 1, onAnswered: (verb) => void answered.push(verb) })
  // The timer of a store at work keeps no process alive.
  using _alive = {
    timer: setInterval(() => undefined, 1000),
    [Symbol.dispose]() {
      clearInterval(this.timer)
    },
  }
  let late = 0
  await assert.rejects(
    calls.begin('now', (id) => {
      late = id
    }),
    unavailable,
  )
  calls.settle(late, 1)
  assert.deepEqual(answered, ['now'])
})

test('beyond the capacity of an engine calls are refused at once, and taken again when others have ended', async () => {
  const calls = trackCalls(patient)
  const ids: number[] = []
  const taken = Array.from({ length: 20_000 }, () => calls.begin<number>('now', (id) => void ids.push(id)))
  await assert.rejects(
    calls.begin('now', () => assert.fail('started')),
    unavailable,
  )
  calls.settle(ids[0]!, 7)
  assert.equal(await taken[0], 7)
  const next = calls.call('now', async () => 8)
  assert.equal(await next, 8)
  for (const id of ids) calls.settle(id, 0)
  await Promise.all(taken)
})

test('a close waits for the calls under way, failures among them, and takes no more', async () => {
  const calls = trackCalls(patient)
  const ids: number[] = []
  const right = calls.begin<string>('now', (id) => void ids.push(id))
  const wrong = calls.call('now', async () => {
    throw new Error('lost')
  })
  await assert.rejects(wrong, unavailable)
  let isDrained = false
  const drained = calls.drain().then(() => {
    isDrained = true
  })
  await assert.rejects(
    calls.begin('now', () => assert.fail('started')),
    unavailable,
  )
  assert.equal(isDrained, false)
  calls.settle(ids[0]!, 'done')
  await drained
  assert.equal(await right, 'done')
})

test('an engine that ended refuses the calls under way and all that come', async () => {
  const calls = trackCalls(patient)
  const one = calls.begin('now', () => undefined)
  calls.refuse('the thread failed')
  await assert.rejects(one, { ...unavailable, message: 'the thread failed' })
  await assert.rejects(
    calls.begin('now', () => assert.fail('started')),
    { message: 'the thread failed' },
  )
  await calls.drain()
})
