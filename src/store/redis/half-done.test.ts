/** Verbs of several steps that stop half-way: which hits count, which are refunded, and that a repeated call is done once. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { requirePeer } from '../../../test/peers.ts'
import { type Postgres, postgresPaths, startPostgres } from '../../../test/postgres.ts'
import {
  type Redis,
  type RedisCluster,
  type RedisNode,
  redisPath,
  startRedis,
  startRedisCluster,
} from '../../../test/redis.ts'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import type { Limit } from '../../throttle/acquire.ts'
import { newVerificationId } from '../../verification/verification.ts'
import {
  lease,
  newIssue,
  newKey,
  newMessage,
  pause,
  settlementOf,
  times,
  unlike,
} from '../conformance/fixtures.ts'
import type { Store } from '../store.ts'
import type { IssueRequest } from '../verifications.ts'
import { createLayout } from './layout.ts'
import type { RedisChoice } from './redis-choice.ts'
import { openRedisStore } from './redis-store.ts'

const peer = {
  ...requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths),
  ...requirePeer('Redis (apt-get install redis-server)', redisPath),
}
const deadlineMs = 500

describe('verbs that stop half-way', peer, () => {
  let postgres: Postgres
  let cluster: RedisCluster
  before(async () => {
    ;[postgres, cluster] = await Promise.all([startPostgres(), startRedisCluster()])
  })
  after(async () => {
    await cluster?.[Symbol.asyncDispose]()
    await postgres?.[Symbol.asyncDispose]()
  })

  const prefixes: string[] = []
  async function open(redis: Redis, change: Partial<RedisChoice> = {}): Promise<Store> {
    const { prefix = unlike() } = change
    prefixes.push(prefix)
    const isCluster = redis.nodes.length === 6
    const client = postgres.client(await postgres.newDatabase())
    return openRedisStore({
      redis: {
        kind: isCluster ? 'cluster' : 'single',
        endpoints: redis.nodes.slice(0, isCluster ? 6 : 1).map(({ port }) => ({ host: '127.0.0.1', port })),
        masterName: null,
        user: null,
        password: redis.password,
        tls: 'off',
        caFile: null,
        prefix,
        wait: null,
        ...change,
      },
      postgres: { client, poolSize: 6, deadlineMs },
      deadlineMs,
    })
  }

  const layoutOf = (prefix: string) => createLayout(prefix, 64)
  /** A key of a limiter that lies on the shard. */
  function limiterOn(shard: number): string {
    for (;;) {
      const key = `in:${unlike()}`
      if (layoutOf('').limiter(key).shard === shard) return key
    }
  }
  const newAddress = () => `tel:+${unlike()}`
  const issueTo = (address: string, change: Partial<IssueRequest> = {}) =>
    newIssue({ key: newKey({ address }), ...change })
  const shardOf = (address: string) => Number.parseInt(newVerificationId(0, address).slice(-3), 16) % 64
  const limit = (key: string, max: number): Limit => ({
    scope: 'network',
    key,
    form: 'tally',
    rules: [{ kind: 'tally', max, perMs: 3_600_000 }],
  })

  test('what a repeated call reserved is refunded once, so that no limit gets capacity by it', async () => {
    await using store = await open(cluster)
    const address = newAddress()
    const home = shardOf(address)
    const [counted, refusing] = [limit(limiterOn((home + 1) % 64), 400), limit(limiterOn((home + 2) % 64), 0)]
    const request = issueTo(address)
    await store.verifications.issue(request)
    const repeat = unlike()
    assert.ok(await store.verifications.use({ id: request.id, wrong: [], consumes: false, repeat }))
    const submit = (limits: readonly Limit[], named?: string) =>
      store.verifications.takeSubmission({
        key: request.key,
        counted: limits,
        wrong: [],
        maxSubmissions: 5,
        ...(named !== undefined && { repeat: named }),
      })
    await submit([counted])
    assert.equal((await submit([counted, refusing], repeat)).kind, 'repeated')
    const few = { ...counted, rules: [{ kind: 'tally', max: 1, perMs: 3_600_000 }] } as const
    assert.equal((await submit([few])).kind, 'throttled', 'the one that was counted is counted still')
  })

  test('what was reserved is refunded if another shard is away: a fault is no hit', async () => {
    const prefix = unlike()
    await using store = await open(cluster, { prefix })
    const address = newAddress()
    const { hung, isOnHung } = await hangingMaster(prefix)
    const far = times(64, (shard) => shard).filter((shard) => shard !== shardOf(address))
    const near = limit(limiterOn(far.find((shard) => !isOnHung(shard))!), 1)
    const away = limit(limiterOn(far.find(isOnHung)!), 1)
    hung.signal('SIGSTOP')
    try {
      await assert.rejects(store.verifications.issue(issueTo(address, { limits: [near, away] })))
      // Until the connection to the one that hangs is given up.
      await pause(2_500)
    } finally {
      hung.signal('SIGCONT')
    }
    await cluster.ready()
    assert.equal((await wellIssued(store, () => issueTo(newAddress(), { limits: [near] }))).kind, 'issued')
  })

  test('a member who is refused again and again leaves nothing behind', async () => {
    const prefix = unlike()
    await using store = await open(cluster, { prefix })
    const full = limit(`ia:t:${'A'.repeat(20)}`, 0)
    const member = unlike()
    const { shard, key } = layoutOf(prefix).member('t', member)
    let address = newAddress()
    while (shardOf(address) === shard) address = newAddress()
    const home = { ...full, key: limiterOn(shardOf(address)) }
    for (let i = 0; i < 3; i++) {
      const one = newIssue({ key: newKey({ address, subject: member }), limits: [home] })
      assert.equal((await store.verifications.issue(one)).kind, 'throttled')
    }
    assert.equal(await (await cluster.nodeOf(key)).command('SCARD', key), 0)
  })

  test('while a master hangs the messages of the others are claimed, and none is claimed in vain', async () => {
    const prefix = unlike()
    await using store = await open(cluster, { prefix })
    const { hung, isOnHung } = await hangingMaster(prefix)
    // Of a process that died.
    const requests = times(30, () => issueTo(newAddress(), { lease: { owner: 'dead', ms: 0 } }))
    for (const request of requests) await wellIssued(store, () => request)
    const near = requests.filter(({ key }) => !isOnHung(shardOf(key.address)))
    assert.ok(near.length > 0 && near.length < requests.length)
    hung.signal('SIGSTOP')
    const found = new Map<string, OutboxEntry>()
    try {
      for (let looks = 0; looks < 8; looks++)
        for (const entry of await store.outbox.claim(64, lease).catch(() => []))
          found.set(entry.message.id, entry)
    } finally {
      hung.signal('SIGCONT')
    }
    await cluster.ready()
    assert.deepEqual(
      near.map((one) => one.message!.id).filter((id) => !found.has(id)),
      [],
    )
  })

  test('while PostgreSQL hangs the messages of codes are claimed, and none is claimed in vain', async () => {
    await using redis = await startRedis()
    await using store = await open(redis)
    const requests = times(5, () => issueTo(newAddress(), { lease: { owner: 'dead', ms: 0 } }))
    for (const request of requests) await store.verifications.issue(request)
    postgres.signal('SIGSTOP')
    try {
      assert.equal((await store.outbox.claim(64, lease)).length, 5)
      await assert.rejects(store.outbox.claim(64, lease), { code: 'store.unavailable' }, 'nothing is told')
    } finally {
      postgres.signal('SIGCONT')
    }
  })

  const entryOf = async (store: Store, request: IssueRequest): Promise<OutboxEntry> => {
    const issued = await store.verifications.issue(request)
    assert.ok(issued.kind === 'issued')
    return issued.entry!
  }
  const claimOne = async (store: Store, id: string) =>
    (await store.outbox.claim(64, lease)).find(({ message }) => message.id === id)

  test('a settlement told again, for its answer was lost, takes the message out of nobody’s hands', async () => {
    await using redis = await startRedis()
    await using store = await open(redis)
    const entry = await entryOf(store, issueTo(newAddress()))
    const settlement = settlementOf(entry, { kind: 'retry', afterMs: 0 }, 'unknown')
    await store.outbox.settle([settlement])
    const again = await claimOne(store, entry.message.id)
    assert.ok(again?.nth === 2)
    await store.outbox.settle([settlement])
    assert.equal(await claimOne(store, entry.message.id), undefined, 'it is being handed over')
    await store.outbox.settle([settlementOf(again, { kind: 'retry', afterMs: 0 }, 'unavailable')])
    const third = await claimOne(store, entry.message.id)
    assert.deepEqual([third?.nth, third?.unknowns, third?.tried], [3, 1, ['p', 'p']])
  })

  test('what was refused while Redis hung is not done when it goes on: also the first call of a process', async () => {
    await using redis = await startRedis()
    const prefix = unlike()
    await using loading = await open(redis, { prefix })
    await loading.verifications.issue(issueTo(newAddress()))
    await using store = await open(redis, { prefix })
    redis.nodes[0]!.signal('SIGSTOP')
    await assert.rejects(store.verifications.issue(issueTo(newAddress())))
    redis.nodes[0]!.signal('SIGCONT')
    await wellIssued(loading, () => issueTo(newAddress()))
    assert.equal(await redis.nodes[0]!.command('HLEN', `${prefix}:{0}:records`), 2, 'issued')
  })

  test('leases ended too late, and messages given back too late, are left as they are', async () => {
    await using redis = await startRedis()
    await using store = await open(redis)
    const entry = await entryOf(store, issueTo(newAddress()))
    const { message, verification, queuedAt } = entry
    for (const act of [
      () => store.outbox.release(lease.owner),
      () => store.outbox.postpone([{ messageId: message.id, queuedAt, verification: verification!.id }], 0),
    ]) {
      redis.nodes[0]!.signal('SIGSTOP')
      await assert.rejects(act())
      redis.nodes[0]!.signal('SIGCONT')
      await wellIssued(store, () => issueTo(newAddress()))
      assert.equal(await claimOne(store, message.id), undefined, 'still in hand')
    }
  })

  test('while PostgreSQL hangs a message is settled, and its dispatch is recorded when it goes on', async () => {
    await using redis = await startRedis()
    await using store = await open(redis)
    const request = issueTo(newAddress())
    const entry = await entryOf(store, request)
    const lengthOf = (name: string) => redis.nodes[0]!.command('HLEN', `${prefixes.at(-1)}:{0}:${name}`)
    postgres.signal('SIGSTOP')
    try {
      await store.outbox.settle([settlementOf(entry, { kind: 'done' })])
      assert.deepEqual([await lengthOf('entries'), await lengthOf('dispatched')], [0, 1])
    } finally {
      postgres.signal('SIGCONT')
    }
    // Its own calls are refused until PostgreSQL answers again.
    let recorded = await store.dispatches.of(request.id).catch(() => [])
    for (let tries = 0; tries < 200 && recorded.length === 0; tries++) {
      await pause(50)
      recorded = await store.dispatches.of(request.id).catch(() => [])
    }
    assert.equal(recorded.length, 1)
    assert.equal(await lengthOf('dispatched'), 0)
  })

  const delivered = (key: string) => ({ provider: 'p', key, state: 'delivered', providerCode: '' }) as const
  const awaitingSecond = (entry: OutboxEntry, receiptKey: string) =>
    settlementOf(entry, { kind: 'second', channel: 'voice', afterMs: 1 }, 'accepted', { receiptKey })

  test('a receipt told again ends the wait for a second channel that it could not end the first time', async () => {
    await using redis = await startRedis()
    await using store = await open(redis)
    const entry = await entryOf(store, issueTo(newAddress()))
    const key = unlike()
    await store.outbox.settle([awaitingSecond(entry, key)])
    // So it is in the history, which records the receipt although Redis is gone.
    await store.dispatches.of(entry.verification!.id)
    await redis.nodes[0]!.kill()
    await assert.rejects(store.dispatches.receive([delivered(key)]))
    await redis.nodes[0]!.start()
    await wellIssued(store, () => issueTo(newAddress()))
    const [told] = await store.dispatches.receive([delivered(key)])
    assert.ok(told?.kind === 'recorded' && !told.isNews)
    assert.equal(await claimOne(store, entry.message.id), undefined)
  })

  test('a receipt between the record of a dispatch and its settling ends the wait for a second channel', async () => {
    await using redis = await startRedis()
    await using store = await open(redis)
    const entry = await entryOf(store, issueTo(newAddress()))
    const key = unlike()
    redis.nodes[0]!.signal('SIGSTOP')
    await assert.rejects(store.outbox.settle([awaitingSecond(entry, key)]))
    redis.nodes[0]!.signal('SIGCONT')
    await wellIssued(store, () => issueTo(newAddress()))
    await store.dispatches.receive([delivered(key)])
    await store.outbox.settle([awaitingSecond(entry, key)])
    await pause(20)
    assert.equal(await claimOne(store, entry.message.id), undefined)
  })

  test('a message that was recorded as sent by who died before settling it is not sent again', async () => {
    await using redis = await startRedis()
    await using store = await open(redis)
    const request = issueTo(newAddress(), { lease: { owner: 'dead', ms: 1_000 } })
    const entry = await entryOf(store, request)
    redis.nodes[0]!.signal('SIGSTOP')
    await assert.rejects(store.outbox.settle([settlementOf(entry, { kind: 'done' })]))
    redis.nodes[0]!.signal('SIGCONT')
    await wellIssued(store, () => issueTo(newAddress()))
    await pause(1_000)
    assert.equal(await claimOne(store, entry.message.id), undefined)
    await wellIssued(store, () => issueTo(newAddress()))
    assert.equal((await store.dispatches.of(request.id)).length, 1)
    assert.equal(await redis.nodes[0]!.command('HLEN', `${prefixes.at(-1)}:{0}:entries`), 2, 'it has left')
  })

  test('what is recorded as failed by who died before settling it is refunded, once, by who finds it', async () => {
    await using redis = await startRedis()
    await using store = await open(redis)
    for (const [outcome, isFreed] of [
      ['unavailable', true],
      ['unknown', false],
    ] as const) {
      const address = newAddress()
      const digest = createHash('sha256').update(address).digest().toString('base64url', 0, 15)
      const window = { kind: 'window', max: 1, perMs: 60_000 } as const
      const one: Limit = { scope: 'address', key: `ia:t:${digest}`, form: 'events', rules: [window] }
      const message = newMessage({ cooldown: [one.key] })
      const request = issueTo(address, { limits: [one], message, lease: { owner: 'dead', ms: 1_000 } })
      const entry = await entryOf(store, request)
      redis.nodes[0]!.signal('SIGSTOP')
      await assert.rejects(store.outbox.settle([settlementOf(entry, { kind: 'failed' }, outcome)]))
      redis.nodes[0]!.signal('SIGCONT')
      await wellIssued(store, () => issueTo(newAddress()))
      const isFree = async () =>
        (await store.verifications.issue(issueTo(address, { limits: [one] }))).kind !== 'throttled'
      await pause(1_000)
      assert.equal(await claimOne(store, entry.message.id), undefined)
      assert.equal(await isFree(), isFreed, outcome)
    }
  })

  test('a use whose proof could not be kept is not told as done when the call is named again', async () => {
    const prefix = unlike()
    await using store = await open(cluster, { prefix })
    const { hung, isOnHung } = await hangingMaster(prefix)
    // The code on a master that answers, the proof of its member on one that hangs.
    const address = addressOn((shard) => !isOnHung(shard))
    let member = unlike()
    while (!isOnHung(layoutOf('').member('t', member).shard)) member = unlike()
    const request = newIssue({ key: newKey({ address, subject: member }) })
    await wellIssued(store, () => request)
    const repeat = unlike()
    hung.signal('SIGSTOP')
    try {
      const use = {
        id: request.id,
        wrong: [],
        consumes: true,
        proof: { login: 'l', lastsMs: 60_000 },
        repeat,
      }
      await assert.rejects(store.verifications.use(use))
    } finally {
      hung.signal('SIGCONT')
    }
    await cluster.ready()
    await wellIssued(store, () => newIssue({ key: newKey({ address: addressOn(isOnHung) }) }))
    const again = { key: request.key, counted: [], wrong: [], maxSubmissions: 5, repeat }
    assert.equal((await store.verifications.takeSubmission(again)).kind, 'taken')
  })

  test('what is refunded elsewhere after a use does not refuse it', async () => {
    const prefix = unlike()
    await using store = await open(cluster, { prefix })
    const { hung, isOnHung } = await hangingMaster(prefix)
    const address = addressOn((shard) => !isOnHung(shard))
    const request = issueTo(address)
    await wellIssued(store, () => request)
    const away = times(64, (shard) => shard).find(isOnHung)!
    hung.signal('SIGSTOP')
    try {
      const wrong = [{ key: limiterOn(away), form: 'events', at: 1 } as const]
      assert.ok(await store.verifications.use({ id: request.id, wrong, consumes: true }))
    } finally {
      hung.signal('SIGCONT')
    }
    await cluster.ready()
  })

  test('a key that came with another address is a mismatch, whatever shards both are on', async () => {
    await using store = await open(cluster)
    const once = { key: unlike(), fingerprint: 'one' }
    const [here, there] = [addressOn((shard) => shard === 1), addressOn((shard) => shard === 2)]
    const first = await store.verifications.issue(issueTo(here, { once }))
    assert.equal(first.kind, 'issued')
    const other = { ...once, fingerprint: 'other' }
    assert.equal((await store.verifications.issue(issueTo(there, { once: other }))).kind, 'mismatch')
    const again = await store.verifications.issue(issueTo(here, { once }))
    assert.ok(again.kind === 'issued' && again.replayed)
  })

  test('with no master left it says that the store is away', async () => {
    await using redis = await startRedisCluster()
    await using store = await open(redis)
    for (const node of redis.nodes) await node.kill()
    for (let i = 0; i < 20; i++) {
      await assert.rejects(store.now(), { code: 'store.unavailable' })
      await pause(50)
    }
  })

  test('what is claimed while no replica follows is handed over, though nothing is issued', async () => {
    await using redis = await startRedis({ replicas: 1 })
    await using store = await open(redis, { wait: { replicas: 1, isOnDisk: false, timeoutMs: 100 } })
    const request = issueTo(newAddress(), { lease: { owner: 'dead', ms: 0 } })
    await wellIssued(store, () => request)
    redis.nodes[1]!.signal('SIGSTOP')
    await assert.rejects(store.verifications.issue(issueTo(newAddress())))
    assert.ok(await claimOne(store, request.message!.id))
  })

  function addressOn(isIt: (shard: number) => boolean): string {
    for (;;) {
      const address = newAddress()
      if (isIt(shardOf(address))) return address
    }
  }

  /** One of the masters, and which shards it has. */
  async function hangingMaster(prefix: string) {
    const owners = await Promise.all(layoutOf(prefix).of.map(({ records }) => cluster.nodeOf(records)))
    const hung: RedisNode = owners[0]!
    return { hung, isOnHung: (shard: number) => owners[shard] === hung }
  }

  async function wellIssued(store: Store, make: () => IssueRequest) {
    for (let tries = 0; ; tries++) {
      try {
        return await store.verifications.issue(make())
      } catch (error) {
        if (tries > 200) throw error
        await pause(50)
      }
    }
  }
})
