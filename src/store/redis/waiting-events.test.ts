/** Events on their way from Redis to PostgreSQL: each arrives once, and after those of its verification before it. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Redis as Client } from 'ioredis'
import { Client as PostgresClient } from 'pg'
import { requirePeer } from '../../../test/peers.ts'
import { type Postgres, postgresPaths, startPostgres } from '../../../test/postgres.ts'
import { type Redis, redisPath, startRedis } from '../../../test/redis.ts'
import { newVerificationId } from '../../verification/verification.ts'
import { pause, times, unlike } from '../conformance/fixtures.ts'
import type { AppEvent, EventPage, NewEvent } from '../events.ts'
import { openPostgres, type PostgresEngine } from '../postgres/postgres-store.ts'
import { createCalls } from './calls.ts'
import { createLayout } from './layout.ts'
import { readLibrary } from './library.ts'
import { createWaitingEvents } from './waiting-events.ts'

const peer = {
  ...requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths),
  ...requirePeer('Redis (apt-get install redis-server)', redisPath),
}
const shards = 4
const inTime = () => performance.now() + 30_000

describe('events that wait in Redis', peer, () => {
  let postgres: Postgres
  let redis: Redis
  let client: Client
  before(async () => {
    ;[postgres, redis] = await Promise.all([startPostgres(), startRedis({ password: null })])
    client = new Client({ port: redis.nodes[0]!.port, protocol: 2 })
    await client.function('LOAD', readLibrary().source)
  })
  after(async () => {
    client?.disconnect()
    await redis?.[Symbol.asyncDispose]()
    await postgres?.[Symbol.asyncDispose]()
  })

  const app = 'a'
  const newEvent = (verification: string, nth: number): NewEvent => ({
    type: 'verification.refused',
    tenant: 't',
    app,
    verification,
    facts: { nth, words: '“ü” \u0000', none: {}, list: [] },
  })
  const newId = () => newVerificationId(Date.now(), `tel:+${unlike()}`)

  const opened = async (): Promise<PostgresEngine> =>
    openPostgres({ client: postgres.client(await postgres.newDatabase()), poolSize: 8, deadlineMs: 10_000 })
  const layoutOf = () => createLayout(unlike(), shards)
  const callsOf = (layout: ReturnType<typeof layoutOf>) =>
    createCalls(client, readLibrary(), layout, [], null)

  const isWaiting = async (database: string) =>
    (
      await postgres.query(
        `select pid from pg_stat_activity where datname = '${database}' and wait_event_type = 'Lock'`,
      )
    ).length > 0

  async function all({ store }: PostgresEngine): Promise<AppEvent[]> {
    const found: AppEvent[] = []
    for (let after: string | null = null; ; ) {
      const page: EventPage = (await store.events.read({ app, after, types: null, max: 100 }))!
      found.push(...page.events)
      if (!page.isMore && page.last === null) return found
      after = page.last
    }
  }

  /** Every event once, and those of each verification in their order. */
  function assertWhole(found: readonly AppEvent[], ids: readonly string[], perId: number): void {
    assert.equal(new Set(found.map(({ id }) => id)).size, found.length)
    for (const id of ids)
      assert.deepEqual(
        found.filter(({ verification }) => verification === id).map(({ facts }) => facts.nth),
        times(perId, (nth) => nth),
        'those of a verification in their order',
      )
  }

  test('while several processes move them, each arrives once, behind those of its verification before it', async () => {
    const engine = await opened()
    await using _store = engine.store
    const layout = layoutOf()
    const processes = times(3, () => createWaitingEvents(callsOf(layout), layout, engine.history))
    const ids = times(12, newId)
    let isOn = true
    const movers = processes.map(async (one) => {
      while (isOn) await one.catchUp(inTime())
    })
    await Promise.all(
      ids.map(async (id, i) => {
        for (let nth = 0; nth < 25; nth++) await processes[i % 3]!.append(inTime(), [newEvent(id, nth)])
      }),
    )
    isOn = false
    await Promise.all(movers)
    await processes[0]!.move(inTime())
    assertWhole(await all(engine), ids, 25)
    assert.equal(await client.zcard(layout.of[0]!.events), 0)
  })

  test('of two processes that publish at once, the later one does not put what it alone has before what both have', async () => {
    const database = await postgres.newDatabase()
    const engine = await openPostgres({
      client: postgres.client(database),
      poolSize: 8,
      deadlineMs: 10_000,
    })
    await using _store = engine.store
    const [held, first, second] = times(3, (nth) => ({ id: unlike(), at: nth, ...newEvent(newId(), nth) }))
    const another = new PostgresClient(postgres.client(database))
    await another.connect()
    try {
      // Holds up the one that publishes more, when it has the number of its transaction already.
      await another.query('begin')
      await another.query(
        `insert into event (id, type, tenant, app, verification, at, facts) values ($1, '', '', '', '', 0, '{}')`,
        [held!.id],
      )
      const more = engine.history.publish(inTime(), [held!, first!, second!])
      while (!(await isWaiting(database))) await pause(10)
      const fewer = engine.history.publish(inTime(), [first!])
      await Promise.race([fewer, pause(300)])
      await another.query('rollback')
      await Promise.all([more, fewer])
    } finally {
      await another.end()
    }
    assert.deepEqual(
      (await all(engine)).map(({ at }) => at),
      [0, 1, 2],
    )
  })

  test('published, and not dropped because the process ended: they are published again, and are there once', async () => {
    const engine = await opened()
    await using _store = engine.store
    const layout = layoutOf()
    const calls = callsOf(layout)
    const killed = createWaitingEvents(
      {
        ...calls,
        command: (until, name, ...rest) =>
          name === 'ZREM' ? Promise.reject(new Error('killed')) : calls.command(until, name, ...rest),
      },
      layout,
      engine.history,
    )
    const id = newId()
    await killed.append(
      inTime(),
      times(600, (nth) => newEvent(id, nth)),
    )
    await assert.rejects(killed.move(inTime()), /killed/)
    const first = await all(engine)
    assert.ok(first.length > 0)
    const next = createWaitingEvents(calls, layout, engine.history)
    await next.move(inTime())
    const found = await all(engine)
    assert.deepEqual(found.slice(0, first.length), first, 'who read them goes on from there')
    assertWhole(found, [id], 600)
    assert.deepEqual(found[0]!.facts, { ...newEvent(id, 0).facts, words: '“ü” \ufffd' })
  })

  test('a run that is asked for waits for one under way, and moves what was added before it was asked for', async () => {
    const published: AppEvent[] = []
    let release = () => undefined as unknown
    let isHeld = true
    const layout = layoutOf()
    const waiting = createWaitingEvents(callsOf(layout), layout, {
      async publish(_until, events) {
        published.push(...events)
        if (isHeld) await new Promise((resolve) => (release = () => resolve(undefined)))
      },
    })
    const id = newId()
    await waiting.append(inTime(), [newEvent(id, 0)])
    const first = waiting.catchUp(inTime())
    while (published.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    await waiting.append(inTime(), [newEvent(id, 1)])
    const others = times(5, () => waiting.catchUp(inTime()))
    isHeld = false
    release()
    await Promise.all([first, ...others])
    assert.deepEqual(
      published.map(({ facts }) => facts.nth),
      [0, 1],
      'each once, as five callers share a run',
    )
  })
})
