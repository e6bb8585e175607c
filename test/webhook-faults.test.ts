/** Events while servers die and endpoints fail: each is posted at least once and in its order, and nobody else waits. */

import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { AppEvent, EventPage } from '../src/store/events.ts'
import { type Api, apiOf, apiWith } from './api.ts'
import { openStoreOf } from './engine.ts'
import { newNumber, type Server, startServer, temporaryFolder } from './server.ts'
import { until } from './until.ts'
import { type Posted, startWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts'

let folder: string
before(() => {
  folder = temporaryFolder()
})
after(() => rmSync(folder, { recursive: true, force: true }))

function start(at: string): Promise<Server> {
  mkdirSync(at, { recursive: true })
  const config = join(at, 'settings.yaml')
  writeFileSync(config, 'limits: none\nproviders: { sandbox: { type: sandbox } }\n')
  return startServer({ dataFolder: at, args: ['--config', config] })
}

const scopes = ['--scope', 'verifications:write', 'events:read', 'admin']

/** Starts verifications, and enters a wrong code for each second one, until the server is gone or told to stop. */
async function useUntil(api: Api, isOver: () => boolean): Promise<void> {
  const one = async (nth: number) => {
    while (!isOver())
      try {
        const { json } = await api.start(newNumber())
        if (nth % 2 === 0 && json.id) await api.check(json.id, '000000')
      } catch {
        return // it was killed
      }
  }
  await Promise.all(Array.from({ length: 6 }, (_, nth) => one(nth)))
}

/** All events of the app, by the contract of the store. */
async function eventsIn(at: string, app: string): Promise<AppEvent[]> {
  await using store = await openStoreOf(at)
  const found: AppEvent[] = []
  for (let after: string | null = null; ; ) {
    const page: EventPage = (await store.events.read({ app, after, types: null, max: 1000 }))!
    found.push(...page.events)
    if (!page.isMore) return found
    after = page.last
  }
}

/** @returns How many posts were copies. */
function assertAllTaken(events: readonly AppEvent[], posted: readonly Posted[]): number {
  const taken = posted.filter(({ isTaken }) => isTaken)
  const ids = new Set(taken.map(({ id }) => id))
  const lost = events.filter(({ id }) => !ids.has(`evt_${id}`))
  assert.deepEqual(
    lost.map(({ type }) => type),
    [],
    `${lost.length} of ${events.length} events were lost`,
  )
  const firstTaken = new Map<string, number>()
  for (const [at, { id }] of taken.entries()) if (!firstTaken.has(id)) firstTaken.set(id, at)
  for (const [verification, ofOne] of Map.groupBy(events, (event) => event.verification)) {
    if (verification === '') continue
    const order = ofOne.map(({ id }) => firstTaken.get(`evt_${id}`)!)
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
      `in order for ${verification}`,
    )
  }
  return taken.length - ids.size
}

async function allPosted(at: string, app: string, receiver: WebhookReceiver): Promise<AppEvent[]> {
  let events: AppEvent[] = []
  await until(async () => {
    events = await eventsIn(at, app)
    const ids = new Set(receiver.posted.filter(({ isTaken }) => isTaken).map(({ id }) => id))
    return events.every(({ id }) => ids.has(`evt_${id}`))
  }, 120_000)
  return events
}

test('killed at random moments under load, the server posts each event at least once, and in order for each verification', async (t) => {
  await using receiver = await startWebhookReceiver()
  // Some posts are taken without an answer, some are not taken: both come again.
  let nth = 0
  receiver.behaviour = () => (++nth % 41 === 0 ? 'accept-and-vanish' : nth % 53 === 0 ? 500 : 'accept')
  const at = join(folder, 'kills')
  let key = ''
  let app = ''
  let seed = Number(process.env.COUNTERSIGN_FAULT_SEED ?? 20_261_130)
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
  const kills = 6
  for (let kill = 0; kill < kills; kill++) {
    await using server = await start(at)
    app = server.app.id
    if (key === '') {
      const api = await apiWith(server, ...scopes)
      key = api.key
      assert.equal((await api.post('/webhooks', { url: receiver.url })).status, 201)
    }
    let isGone = false
    const using = useUntil(apiOf(server, key), () => isGone)
    await new Promise((resolve) => setTimeout(resolve, 300 + random() * 900))
    await server.kill()
    isGone = true
    await using
  }
  receiver.behaviour = 'accept'
  await using server = await start(at)
  const events = await allPosted(at, app, receiver)
  await server.stop()
  const copies = assertAllTaken(events, receiver.posted)
  assert.ok(events.length > 50, `${events.length} events`)
  t.diagnostic(`${kills} kills, ${events.length} events, ${copies} copies`)
})

test('without what was posted last the same check finds losses, and a turned order', async () => {
  const event = (id: string): AppEvent => ({
    id,
    type: 'verification.sent',
    tenant: 't',
    app: 'a',
    verification: 'v',
    at: 1,
    facts: {},
  })
  const posted = (id: string, isTaken = true) => ({ id: `evt_${id}`, isTaken }) as Posted
  const events = [event('1'), event('2')]
  assert.equal(assertAllTaken(events, [posted('1'), posted('1'), posted('2')]), 1)
  assert.throws(() => assertAllTaken(events, [posted('1'), posted('2', false)]), /1 of 2 events were lost/)
  assert.throws(() => assertAllTaken(events, [posted('2'), posted('1')]), /in order/)
})

test('an endpoint that never answers keeps neither other endpoints nor sends waiting', async () => {
  await using silent = await startWebhookReceiver()
  await using well = await startWebhookReceiver()
  silent.behaviour = 'silence'
  const at = join(folder, 'silent')
  await using server = await start(at)
  const api = await apiWith(server, ...scopes)
  for (const { url } of [silent, silent, silent, well])
    assert.equal((await api.post('/webhooks', { url })).status, 201)
  let slowestMs = 0
  for (let nth = 0; nth < 30; nth++) {
    const startedAt = performance.now()
    assert.equal((await api.start(newNumber())).status, 201)
    slowestMs = Math.max(slowestMs, performance.now() - startedAt)
  }
  const sent = () => well.posted.filter(({ type }) => type === 'verification.sent').length
  await until(() => sent() === 30)
  // A post that waits is given up after nine seconds.
  assert.ok(slowestMs < 5_000, `a send took ${Math.round(slowestMs)} ms`)
  assert.ok(
    silent.posted.length <= 3 * 8,
    `${silent.posted.length} posts at once to endpoints that do not answer`,
  )
  await server.kill()
})
