/** Calls while Redis is hung, gone, failed over, empty or behind, and the state afterwards. */

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { requirePeer } from '../../../test/peers.ts'
import { type Postgres, postgresPaths, startPostgres } from '../../../test/postgres.ts'
import {
  type Redis,
  redisPath,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
} from '../../../test/redis.ts'
import type { Limit } from '../../throttle/acquire.ts'
import {
  claimed,
  newIssue,
  newKey,
  newMessage,
  pause,
  settlementOf,
  times,
  unlike,
} from '../conformance/fixtures.ts'
import { openPostgresStore } from '../postgres/postgres-store.ts'
import type { Store } from '../store.ts'
import type { RedisChoice } from './redis-choice.ts'
import { openRedisStore } from './redis-store.ts'
import { reportRedis } from './report.ts'

const peer = {
  ...requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths),
  ...requirePeer('Redis (apt-get install redis-server)', redisPath),
}
const deadlineMs = 500

describe('Redis under faults', peer, () => {
  let postgres: Postgres
  before(async () => {
    postgres = await startPostgres()
  })
  after(() => postgres?.[Symbol.asyncDispose]())

  const choiceOf = (redis: Redis, change: Partial<RedisChoice> = {}): RedisChoice => ({
    kind: 'single',
    endpoints: redis.nodes.slice(0, 1).map(({ port }) => ({ host: '127.0.0.1', port })),
    masterName: null,
    user: null,
    password: redis.password,
    tls: 'off',
    caFile: null,
    prefix: 'faults',
    wait: null,
    ...change,
  })
  const open = async (redis: RedisChoice, database?: string) => {
    const client = postgres.client(database ?? (await postgres.newDatabase()))
    return openRedisStore({
      redis,
      postgres: { client, poolSize: 6, deadlineMs },
      deadlineMs,
    })
  }
  const everyNode = (redis: Redis) => redis.nodes.map(({ port }) => ({ host: '127.0.0.1', port }))

  /** Waits until calls succeed again. @returns ms. */
  async function well(store: Store, withinMs = 15_000): Promise<number> {
    const startedAt = performance.now()
    for (;;) {
      const key = newKey({ address: `tel:${unlike()}` })
      const isWell = await store.verifications.issue(newIssue({ key })).then(
        () => true,
        () => false,
      )
      const tookMs = performance.now() - startedAt
      if (isWell) return tookMs
      assert.ok(tookMs < withinMs, `not well again after ${Math.round(tookMs)} ms`)
      await pause(20)
    }
  }

  /** Repeats a call until it is answered. */
  async function answered<T>(act: () => Promise<T>): Promise<T> {
    for (let tries = 0; ; tries++) {
      try {
        return await act()
      } catch (error) {
        if (tries > 500) throw error
        await pause(20)
      }
    }
  }

  const windowOf = (key: string, max: number): Limit => ({
    scope: 'member',
    key,
    form: 'events',
    rules: [{ kind: 'window', max, perMs: 60_000 }],
  })

  /** Issues all the time, at many addresses, until stopped. */
  function load(store: Store) {
    const accepted: string[] = []
    const refused: string[] = []
    let maxMs = 0
    let isOn = true
    const callers = times(20, async () => {
      while (isOn) {
        const request = newIssue({ key: newKey({ address: `tel:${unlike()}` }) })
        const startedAt = performance.now()
        await store.verifications.issue(request).then(
          () => accepted.push(request.id),
          () => refused.push(request.id),
        )
        maxMs = Math.max(maxMs, performance.now() - startedAt)
        await pause(2)
      }
    })
    return async () => {
      isOn = false
      await Promise.all(callers)
      return { accepted, refused, maxMs }
    }
  }

  const missing = async (store: Store, ids: readonly string[]) => {
    const gone: string[] = []
    for (const id of ids) if ((await store.verifications.get(id)) === undefined) gone.push(id)
    return gone
  }

  test('A-6, T-4: hung, it is refused within a second, and what was refused is not done later', async () => {
    await using redis = await startRedis()
    await using store = await open(choiceOf(redis))
    await well(store)
    const stop = load(store)
    await pause(300)
    redis.nodes[0]!.signal('SIGSTOP')
    const hungAt = Date.now()
    // Longer than a connection without an answer lives.
    await pause(3_000)
    redis.nodes[0]!.signal('SIGCONT')
    await well(store, 5_000)
    const { accepted, refused, maxMs } = await stop()
    assert.ok(refused.length > 20, 'there was load')
    assert.ok(maxMs < 1_000, `refused after ${maxMs} ms`)
    assert.deepEqual(await missing(store, accepted), [], 'accepted, and not there')
    const late: string[] = []
    for (const id of refused) {
      const record = await store.verifications.get(id)
      // Done just before, and its answer hung with the server: that was in time.
      if (record && record.issuedAt > hungAt + 50) late.push(id)
    }
    assert.deepEqual(late, [], 'refused, and done later')
  })

  test('T-4: killed and started again on its file, it is well within five seconds, its functions too', async () => {
    await using redis = await startRedis({ settings: ['appendfsync always'] })
    await using store = await open(choiceOf(redis))
    const stop = load(store)
    await pause(300)
    await redis.nodes[0]!.kill()
    await pause(500)
    await redis.nodes[0]!.start()
    await well(store, 5_000)
    const { accepted } = await stop()
    assert.deepEqual(await missing(store, accepted), [])
  })

  test('T-4: killed amid calls that are repeated by their keys, it has done each once, and answers each alike', async () => {
    await using redis = await startRedis({ settings: ['appendfsync always'] })
    await using store = await open(choiceOf(redis))
    const outcomes = await Promise.all(
      times(40, async (nth) => {
        const once = { key: unlike(), fingerprint: 'f' }
        const key = newKey({ address: `tel:${unlike()}` })
        const limits = [windowOf(unlike(), 1)]
        await pause(nth * 15)
        // A server that begins anew makes another id, and message, for the same call.
        const issued = await answered(() =>
          store.verifications.issue(newIssue({ key, limits, once, message: newMessage() })),
        )
        assert.ok(issued.kind === 'issued')
        const { id } = issued.record
        const submitting = { key: unlike(), fingerprint: 'f' }
        const taken = await answered(() =>
          store.verifications.takeSubmission({
            ...{ key, id, counted: [], wrong: [], maxSubmissions: 5 },
            once: submitting,
          }),
        )
        assert.ok(taken.kind === 'taken' && taken.record?.submissions === 1)
        return { id, using: { key: unlike(), fingerprint: 'f' } }
      }).concat(
        (async () => {
          await pause(300)
          await redis.nodes[0]!.kill()
          await pause(200)
          await redis.nodes[0]!.start()
          return undefined as never
        })(),
      ),
    )
    for (const { id, using } of outcomes.filter(Boolean)) {
      const use = () => store.verifications.use({ id, wrong: [], consumes: true, once: using })
      const [first, again] = [await answered(use), await answered(use)]
      const { replayed, ...rest } = again!
      assert.deepEqual([rest, replayed], [first, true])
      assert.equal((await store.verifications.get(id))?.submissions, 1)
    }
    const prefix = 'faults:{0}'
    const count = async (command: string, key: string) =>
      Number(await redis.nodes[0]!.command(command, `${prefix}:${key}`))
    // Beside the decoy there is a record, and a message, of each.
    assert.equal(await count('HLEN', 'entries'), 40)
    assert.ok((await count('HLEN', 'records')) <= 41)
  })

  test('emptied with its functions, it loads them again; codes from before are refused, limits begin anew', async () => {
    await using redis = await startRedis()
    await using store = await open(choiceOf(redis))
    const request = newIssue()
    await store.verifications.issue(request)
    await redis.nodes[0]!.command('FLUSHALL')
    await redis.nodes[0]!.command('FUNCTION', 'FLUSH')
    const taken = await store.verifications.takeSubmission({
      key: request.key,
      counted: [],
      wrong: [],
      maxSubmissions: 5,
    })
    assert.ok(taken.kind === 'taken' && taken.record === undefined)
    const use = { id: request.id, wrong: [], consumes: true }
    assert.equal(await store.verifications.use(use), undefined)
    assert.equal((await store.verifications.issue(newIssue({ key: request.key }))).kind, 'issued')
  })

  test('N-3: of a cluster whose master is killed a replica goes on, and no code is used twice', async () => {
    await using redis = await startRedisCluster()
    await using store = await open(choiceOf(redis, { kind: 'cluster', endpoints: everyNode(redis) }))
    const requests = times(150, () =>
      newIssue({ key: newKey({ address: `tel:${unlike()}` }), once: { key: unlike(), fingerprint: 'f' } }),
    )
    const issued = await Promise.all(requests.map((request) => store.verifications.issue(request)))
    const wins = new Map<string, number>()
    let isOn = true
    const users = times(8, async (nth) => {
      for (let i = nth; isOn; i++) {
        const { id } = requests[i % requests.length]!
        const used = await store.verifications.use({ id, wrong: [], consumes: true }).catch(() => undefined)
        if (used) wins.set(id, (wins.get(id) ?? 0) + 1)
        await pause(4)
      }
    })
    const [master] = await redis.masters()
    await master!.kill()
    // The shards that are up go on meanwhile.
    const tookMs = await well(store)
    const unused = async () => {
      const rest = requests.filter(({ id }) => !wins.has(id))
      const found = await Promise.all(
        rest.map(({ id }) => store.verifications.get(id).catch(() => undefined)),
      )
      // Used by a call whose answer died with the master is used too.
      return found.filter((one) => one?.state !== 'used').length
    }
    // How long the vote takes is the cluster's own affair, and longer on a busy machine. From then on it is ours.
    await redis.ready()
    for (const end = Date.now() + 10_000; (await unused()) > 0 && Date.now() < end; ) await pause(200)
    isOn = false
    await Promise.all(users)
    assert.ok(tookMs < 1_000, `the other shards waited ${tookMs} ms`)
    // The replica knows the calls that its master did, by their keys.
    for (const [nth, request] of requests.entries()) {
      const { entry: _entry, ...first } = issued[nth] as { entry?: unknown }
      const again = { ...request, id: newIssue({ key: request.key }).id }
      assert.deepEqual(await store.verifications.issue(again), { ...first, replayed: true })
    }
    // What a replica had not got yet when its master died may be used once more; here all was long there.
    assert.deepEqual(
      [...wins].filter(([, count]) => count > 1),
      [],
    )
    assert.equal(await unused(), 0)
    assert.ok(wins.size >= requests.length - users.length, 'each caller missed one answer at most')
  })

  test('behind Sentinels it goes on with the new master', async () => {
    await using redis = await startRedisSentinel()
    const endpoints = redis.sentinels.map(({ port }) => ({ host: '127.0.0.1', port }))
    await using store = await open(choiceOf(redis, { kind: 'sentinel', endpoints, masterName: redis.name }))
    await well(store)
    const [master] = await redis.masters()
    await master!.kill()
    await well(store)
    assert.notEqual((await redis.masters())[0]!.port, master!.port)
  })

  test('a write that too few replicas have is refused, if the settings ask for them', async () => {
    await using redis = await startRedis({ replicas: 1 })
    const wait = { replicas: 1, isOnDisk: false, timeoutMs: 200 }
    await using store = await open(choiceOf(redis, { wait }))
    await well(store)
    assert.deepEqual(await store.proveWrite(), [])
    redis.nodes[1]!.signal('SIGSTOP')
    await assert.rejects(store.proveWrite(), { code: 'store.unavailable' })
    await assert.rejects(store.verifications.issue(newIssue()), {
      code: 'store.unavailable',
      message: /only 0 of 1 replicas had it within 200 ms/,
    })
    redis.nodes[1]!.signal('SIGCONT')
    await well(store, 5_000)
  })

  test('a memory that is full is found by a write, and of a cluster which master it is', async () => {
    await using redis = await startRedisCluster()
    await using store = await open(choiceOf(redis, { kind: 'cluster', endpoints: everyNode(redis) }))
    await well(store)
    assert.deepEqual(await store.proveWrite(), [])
    const masters = await redis.masters()
    await masters[0]!.command('CONFIG', 'SET', 'maxmemory', '1')
    const without = await store.proveWrite()
    assert.equal(without.length, 1)
    assert.match(without[0]!, new RegExp(`:${masters[0]!.port}: .*OOM`))
    for (const one of masters) await one.command('CONFIG', 'SET', 'maxmemory', '1')
    await store.now()
    await assert.rejects(store.proveWrite(), /OOM/)
    for (const one of masters) await one.command('CONFIG', 'SET', 'maxmemory', '0')
    assert.deepEqual(await store.proveWrite(), [])
  })

  test('T-4: without PostgreSQL codes are still checked, and nothing of the history is lost', async () => {
    await using redis = await startRedis()
    const database = await postgres.newDatabase()
    await using store = await open(choiceOf(redis), database)
    const request = newIssue({ lifetimeMs: 1_500 })
    const issued = await store.verifications.issue(request)
    assert.ok(issued.kind === 'issued')
    await store.outbox.settle([settlementOf(issued.entry!, { kind: 'done' })])
    postgres.signal('SIGSTOP')
    try {
      assert.ok(await store.verifications.use({ id: request.id, wrong: [], consumes: true }))
      await pause(2_000)
      await assert.rejects(store.now(), { code: 'store.unavailable' }, 'not ready')
    } finally {
      postgres.signal('SIGCONT')
    }
    const inHistory = async () => {
      await using cold = await openPostgresStore({
        client: postgres.client(database),
        poolSize: 4,
      })
      return cold.verifications.get(request.id)
    }
    for (let i = 0; i < 100 && !(await inHistory()); i++) await pause(50)
    assert.equal((await inHistory())?.state, 'used')
    assert.equal((await store.verifications.get(request.id))?.state, 'used')
    assert.equal((await store.dispatches.of(request.id)).length, 1)
    assert.equal(await redis.nodes[0]!.command('HLEN', 'faults:{0}:records'), 0, 'gone from Redis')
  })

  test('a limit on several shards is never exceeded, and a refusal on one is no hit on the others', async () => {
    await using redis = await startRedisCluster()
    const choice = choiceOf(redis, { kind: 'cluster', endpoints: everyNode(redis) })
    const database = await postgres.newDatabase()
    await using store = await open(choice, database)
    await using second = await open(choice, database)
    const limit = (scope: Limit['scope'], max: number): Limit => ({
      scope,
      key: unlike(),
      form: 'events',
      rules: [{ kind: 'window', max, perMs: 60_000 }],
    })
    const [narrow, wide] = [limit('member', 3), limit('network', 10)]
    const issue = (nth: number, limits: readonly Limit[]) =>
      (nth % 2 ? store : second).verifications.issue(
        newIssue({ key: newKey({ address: `tel:${unlike()}` }), limits }),
      )
    const passed = async (count: number, limits: readonly Limit[]) =>
      (await Promise.all(times(count, (nth) => issue(nth, limits)))).filter((one) => one.kind !== 'throttled')
        .length
    const both = await passed(30, [wide, narrow])
    assert.ok(both <= 3, `${both} of 3`)
    // One after the other nothing is reserved by anyone else meanwhile: exactly what is left passes.
    let rest = 0
    for (let i = 0; i < 15; i++) if ((await issue(i, [wide])).kind !== 'throttled') rest++
    assert.equal(both + rest, 10)
  })

  test('a report tells what is held, who follows and how far, and what could lose limits', async () => {
    await using redis = await startRedis({ replicas: 1 })
    const choice = choiceOf(redis)
    await using store = await open(choice)
    for (let i = 0; i < 3; i++) await well(store)
    const { product, rows, replicas, problems } = await reportRedis(choice)
    assert.match(product, /^Redis 7\./)
    assert.deepEqual(rows, { 'live code': 3, message: 3 })
    assert.equal(replicas?.length, 1)
    assert.match(replicas[0]!.name, /^127\.0\.0\.1:\d+$/)
    assert.equal(replicas[0]!.state, 'online')
    assert.deepEqual(problems, [])
    await redis.nodes[0]!.command('CONFIG', 'SET', 'appendonly', 'no')
    assert.match(
      (await reportRedis(choice)).problems.join(),
      /^appendonly is no: a restart forgets every limit/,
    )
    const past = String(Date.now() - 60_000)
    await redis.nodes[0]!.command('CONFIG', 'SET', 'appendonly', 'yes')
    // Later than the engine's own look, which is twice a second.
    for (;;) {
      await redis.nodes[0]!.command('ZADD', 'faults:{0}:ends', past, 'lost')
      const told = (await reportRedis(choice)).problems.join()
      if (/^the history is \d+ s behind/.test(told)) break
    }
  })

  test('a user with the rights that redis.md names is enough', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/redis.md'), 'utf8')
    const commands = /and the commands `([^`]+)`/.exec(page)![1]!.split(/\s+/)
    for (const kind of ['single', 'cluster'] as const) {
      await using redis = kind === 'single' ? await startRedis() : await startRedisCluster()
      const rights = ['~countersign:*', ...commands.map((command) => `+${command}`)]
      for (const node of redis.nodes) await node.command('ACL', 'SETUSER', 'cs', 'on', '>secret', ...rights)
      const endpoints = kind === 'single' ? {} : { endpoints: everyNode(redis) }
      const user = { user: 'cs', password: 'secret', prefix: 'countersign' }
      await using store = await open(choiceOf(redis, { kind, ...endpoints, ...user }))
      const request = newIssue({ lease: { owner: 'dead', ms: 0 } })
      await store.verifications.issue(request)
      const { key } = request
      const [subjects, limited] = [['gone'], ['gone']]
      const people = { tenant: 't', subjects, addresses: [], tags: [], limited, limitedAnywhere: [] }
      await store.erasures.erase(people)
      await store.verifications.takeSubmission({ key, counted: [], wrong: [], maxSubmissions: 5 })
      const entry = await claimed(store, request.message!.id)
      await store.outbox.settle([settlementOf(entry!, { kind: 'done' })])
      assert.ok(
        await store.verifications.use({
          id: request.id,
          wrong: [],
          consumes: false,
          proof: { login: 'l', lastsMs: 1000 },
          repeat: unlike(),
        }),
      )
      await store.verifications.find({ address: key.address, sinceMs: 0 })
      await store.outbox.depth()
      await store.verifications.countLive()
      const change = { tenant: 't', app: 'a', member: key.subject, verification: request.id, wrong: [] }
      const contact = { address: { kind: 'phone', e164: '+1', region: 'US' }, country: null } as const
      const rest = {
        seen: { phone: null, email: null },
        provedBy: 'l',
        notices: [],
        lease: { owner: '', ms: 0 },
      }
      assert.equal(
        (await store.directory.changeContact({ ...change, ...contact, ...rest, repeat: unlike() })).kind,
        'refused',
      )
    }
  })

  test('one that may drop what it holds, or is of another kind than stated, is refused with the remedy', async () => {
    await using evicting = await startRedis({ settings: ['maxmemory 50mb', 'maxmemory-policy allkeys-lru'] })
    await assert.rejects(open(choiceOf(evicting)), {
      code: 'config.invalid',
      message: /drops what it holds when its memory is full \(maxmemory-policy allkeys-lru\); set noeviction/,
    })
    await assert.rejects(
      open(choiceOf(evicting, { wait: { replicas: 0, isOnDisk: true, timeoutMs: 100 } })),
      /noeviction|WAITAOF/,
    )
    await using cluster = await startRedisCluster()
    await assert.rejects(open(choiceOf(cluster)), /is a node of a cluster; state redis\+cluster/)
    await evicting.nodes[0]!.kill()
    await assert.rejects(open(choiceOf(evicting)), {
      code: 'store.unavailable',
      message: /Redis at redis:\/\/127/,
    })
  })
})
