import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import { createOutboxPoll } from './outbox-poll.ts'

/** A poll on a clock of its own. `after` lets time pass and gives the times of the claims made in it. */
function polling(t: TestContext, claim: (max: number) => Promise<readonly OutboxEntry[]>, max = () => 4) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let time = 0
  let claims: number[] = []
  const poll = createOutboxPoll({
    claim: (most) => {
      claims.push(time)
      return claim(most)
    },
    claimable: max,
    isLow: () => max() > 2,
    take: () => undefined,
    now: () => time,
  })
  t.after(() => poll.stop())
  const turn = async () => {
    for (let i = 0; i < 5; i++) await Promise.resolve()
  }
  const after = async (ms: number) => {
    claims = []
    await turn()
    for (const end = time + ms; time < end; ) {
      time += 10
      t.mock.timers.tick(10)
      await turn()
    }
    return claims
  }
  return { poll, after }
}

const nothing = async () => []

test('at rest the outbox is asked ever more seldom, and at least every two seconds', async (t) => {
  const { poll, after } = polling(t, nothing)
  poll.start()
  assert.deepEqual(await after(3_000), [250, 750, 1_750])
  assert.deepEqual(await after(4_000), [3_750, 5_750])
})

test('a message that comes due is asked for at its time, and often until then', async (t) => {
  const { poll, after } = polling(t, nothing)
  poll.start()
  await after(5_990)
  poll.expect(0)
  assert.deepEqual((await after(100))[0], 6_000)
  await after(6_000)
  poll.expect(1_000)
  const asked = await after(1_500)
  assert.ok(asked.length >= 5, String(asked))
  assert.deepEqual(
    asked.slice(1, 5).map((at, i) => at - asked[i]!),
    [250, 250, 250, 250],
  )
  assert.ok((await after(10_000)).length <= 8)
})

test('if more is due than was claimed, the rest is asked for as soon as there is capacity', async (t) => {
  let capacity = 4
  let left = 10
  const { poll, after } = polling(
    t,
    async (max) => {
      const claimed = Math.min(max, left)
      left -= claimed
      capacity -= claimed
      return Array.from({ length: claimed }, () => ({}) as OutboxEntry)
    },
    () => capacity,
  )
  poll.start()
  await after(0)
  assert.equal(left, 6)
  capacity = 4
  poll.onCapacity()
  await after(0)
  assert.equal(left, 2)
})

test('a store that is away is asked at the usual pace', async (t) => {
  const { poll, after } = polling(t, () => Promise.reject(new Error('away')))
  poll.start()
  assert.deepEqual(await after(1_000), [250, 500, 750, 1_000])
})

test('a stopped poll claims nothing any more', async (t) => {
  const { poll, after } = polling(t, nothing)
  poll.start()
  await after(100)
  poll.stop()
  poll.expect(0)
  poll.onCapacity()
  assert.deepEqual(await after(5_000), [])
})
