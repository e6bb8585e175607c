import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AppEvent } from '../../store/events.ts'
import {
  type ClaimedWebhook,
  maxFailuresInRow,
  type Webhook,
  type WebhookDelivery,
} from '../../store/webhooks.ts'
import { workOnEndpoint } from './endpoint-work.ts'
import { eventView } from './event-view.ts'
import { maxBodyBytes } from './post-event.ts'
import { afterTry, gapAfterMs, retriesMs } from './retry-schedule.ts'

const webhook = { id: 'w', app: 'a' } as Webhook
const at = 1_800_000_000_000

const event = (id: string, verification = id): AppEvent => ({
  id,
  type: 'verification.sent',
  tenant: 't',
  app: 'a',
  verification,
  at,
  facts: {},
})
const waiting = (id: string, verification = id, change: Partial<WebhookDelivery> = {}): WebhookDelivery => ({
  event: id,
  type: 'verification.sent',
  verification,
  state: 'waiting',
  tries: 1,
  firstAt: at - 10_000,
  lastAt: at - 10_000,
  dueAt: at,
  status: 500,
  reason: '',
  tookMs: 1,
  ...change,
})

/** Works with a receiver that answers by the script, at a standing clock. */
async function work(
  given: { waiting?: readonly WebhookDelivery[]; fresh?: readonly AppEvent[]; failures?: number },
  statusOf: (event: string, nth: number) => number | null,
) {
  const { waiting: some = [], fresh = [], failures = 0 } = given
  const posted: string[] = []
  const claimed: ClaimedWebhook = { webhook, now: at, cursor: 'c0', failures, waiting: some }
  const { work: done, isMore } = await workOnEndpoint(
    {
      feed: {
        next: async () => ({ events: fresh, cursor: 'c1', isMore: false }),
        find: async (_, ids) => ids.filter((id) => !id.startsWith('gone')).map((id) => event(id)),
      },
      post: async (_, { id }) => {
        posted.push(id)
        return { status: statusOf(id, posted.length), reason: '', tookMs: 1 }
      },
      now: () => 0,
      random: () => 0.5,
      isStopping: () => false,
    },
    claimed,
  )
  const left = [...done.changed, ...done.added].filter(({ state }) => state === 'waiting')
  return {
    ...done,
    isMore,
    posted,
    left,
    dueIn: (id: string) => left.find((one) => one.event === id)!.dueAt! - at,
  }
}

test('what comes after an event that was not taken waits with it, and other verifications go on', async () => {
  const done = await work(
    { fresh: [event('a1', 'a'), event('b1', 'b'), event('a2', 'a'), event('b2', 'b')] },
    (id) => (id === 'a1' ? 500 : 204),
  )
  assert.deepEqual(done.posted.toSorted(), ['a1', 'b1', 'b2'])
  assert.deepEqual([done.dueIn('a1'), done.dueIn('a2')], [5_000, 5_000])
  assert.deepEqual(
    done.added.map(({ event, state, tries }) => [event, state, tries]),
    [
      ['a1', 'waiting', 1],
      ['b1', 'delivered', 1],
      ['a2', 'waiting', 0],
      ['b2', 'delivered', 1],
    ],
  )
  assert.deepEqual([done.cursor, done.failures, done.isGone], ['c1', 0, false])
})

test('a new event goes behind those of its verification that wait, also while they are not due', async () => {
  const early = waiting('a1', 'a', { dueAt: at + 60_000 })
  const done = await work({ waiting: [early], fresh: [event('a2', 'a')] }, () => 204)
  assert.deepEqual(done.posted, [])
  assert.equal(done.dueIn('a2'), 60_000)
  const due = await work({ waiting: [waiting('a1', 'a')], fresh: [event('a2', 'a')] }, () => 204)
  assert.deepEqual([due.posted, due.left], [['a1', 'a2'], []])
})

test('an endpoint that failed gets one event; if that fails all wait, and if it is taken the others follow', async () => {
  const some = ['a', 'b', 'c'].map((id) => waiting(id, id, { dueAt: id === 'c' ? at + 3_600_000 : at }))
  const failing = { waiting: some, fresh: [event('d')], failures: maxFailuresInRow }
  const again = await work(failing, () => null)
  assert.deepEqual(
    [again.posted, again.failures, again.cursor, again.added],
    [['a'], maxFailuresInRow + 1, 'c0', []],
  )
  assert.equal(again.dueIn('b'), again.dueIn('a'), 'so that it is not asked at once again')
  const well = await work(failing, () => 200)
  assert.deepEqual([well.posted.toSorted(), well.failures], [['a', 'b'], 0])
  assert.equal(well.dueIn('c'), 0, 'what waited for hours is due')
  assert.deepEqual([again.isMore, well.isMore], [false, true])
})

test('an endpoint that begins to fail is left alone, and what was read for it waits', async () => {
  const fresh = Array.from({ length: 100 }, (_, nth) => event(`e${nth}`))
  const done = await work({ fresh }, () => 503)
  assert.ok(done.posted.length >= maxFailuresInRow && done.posted.length < 30, `${done.posted.length} posts`)
  assert.equal(done.left.length, 100)
  assert.ok(done.left.every(({ dueAt }) => dueAt! >= at + 3_000))
})

test('410 ends the endpoint, and an event that is kept no more is given up', async () => {
  assert.equal((await work({ fresh: [event('a')] }, () => 410)).isGone, true)
  const { changed, posted } = await work({ waiting: [waiting('gone1', 'v'), waiting('a2', 'v')] }, () => 200)
  assert.deepEqual(posted, ['a2'])
  assert.deepEqual(
    changed.map(({ state }) => state),
    ['failed', 'delivered'],
  )
})

test('tries go on for a day, more and more seldom, and the last is at its end', () => {
  let one = waiting('a', 'a', { tries: 0, firstAt: null })
  const times: number[] = []
  for (let now = at; one.state === 'waiting'; now = one.dueAt ?? now) {
    times.push(now - at)
    one = afterTry(one, { status: 500, reason: '', tookMs: 1 }, now, 0.5)
  }
  assert.equal(one.state, 'failed')
  assert.deepEqual(times.slice(0, 7), [0, 5_000, 35_000, 155_000, 755_000, 2_555_000, 6_155_000])
  assert.equal(times.at(-1), retriesMs)
  assert.ok(times.every((time, nth) => nth === 0 || time - times[nth - 1]! <= 3_600_000))
  assert.deepEqual([gapAfterMs(1, 0), gapAfterMs(1, 1)], [3_750, 6_250])
})

test('the largest event stays below what receivers must take', () => {
  const metadata = Object.fromEntries(
    Array.from({ length: 10 }, (_, nth) => [`${nth}`.padEnd(64, '界'), '\u0001'.repeat(256)]),
  )
  const facts = { metadata, carrierCode: '界'.repeat(500), subject: '界'.repeat(128) }
  const body = JSON.stringify(eventView({ ...event('e'), facts }))
  assert.ok(Buffer.byteLength(body) < maxBodyBytes, `${Buffer.byteLength(body)}`)
})
