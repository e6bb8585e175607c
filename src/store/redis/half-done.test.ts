/** Verbs of several steps that stop half-way: what counts, what is given back, and what is told again and done once. */

import assert from 'node:assert/strict'
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
import type { Take } from '../../throttle/take.ts'
import { newVerificationId } from '../../verification/verification.ts'
import { newIssue, newKey, newMessage, pause, settlementOf, times, unlike } from '../conformance/fixtures.ts'
import type { OutboxEntry } from '../outbox.ts'
import type { Store } from '../store.ts'
import type { IssueRequest } from '../verifications.ts'
import { createLayout } from './layout.ts'
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

  async function open(redis: Redis, prefix = unlike(), database?: string): Promise<Store> {
    const isCluster = redis === cluster
    const client = postgres.client(database ?? (await postgres.newDatabase()))
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
      },
      postgres: { client, listener: null, poolSize: 6, deadlineMs },
      deadlineMs,
    })
  }

  const layoutOf = (prefix: string) => createLayout(prefix, 64)
  /** A key of a ledger that lies on the shard. */
  function ledgerOn(shard: number): string {
    for (;;) {
      const key = `in:${unlike()}`
      if (layoutOf('').ledger(key).shard === shard) return key
    }
  }
  const newAddress = () => `tel:+${unlike()}`
  const issueTo = (address: string, change: Partial<IssueRequest> = {}) =>
    newIssue({ key: newKey({ address }), ...change })
  const shardOf = (address: string) => Number.parseInt(newVerificationId(0, address).slice(-3), 16) % 64
  const limit = (key: string, max: number): Take => ({
    scope: 'network',
    key,
    form: 'tally',
    rules: [{ kind: 'tally', max, perMs: 3_600_000 }],
  })

  test('what a repeated call reserved is given back once, so that no limit gets room by it', async () => {
    await using store = await open(cluster)
    const address = newAddress()
    const home = shardOf(address)
    const [counted, refusing] = [limit(ledgerOn((home + 1) % 64), 400), limit(ledgerOn((home + 2) % 64), 0)]
    const request = issueTo(address)
    await store.verifications.issue(request)
    const repeat = unlike()
    assert.ok(await store.verifications.use({ id: request.id, wrong: [], consumes: false, repeat }))
    const submit = (takes: readonly Take[], named?: string) =>
      store.verifications.takeSubmission({
        key: request.key,
        counted: takes,
        wrong: [],
        maxSubmissions: 5,
        ...(named !== undefined && { repeat: named }),
      })
    await submit([counted])
    assert.equal((await submit([counted, refusing], repeat)).kind, 'repeated')
    const few = { ...counted, rules: [{ kind: 'tally', max: 1, perMs: 3_600_000 }] } as const
    assert.equal((await submit([few])).kind, 'throttled', 'the one that was counted is counted still')
  })

  test('what was reserved is given back if another shard is away: a fault is no taking', async () => {
    const prefix = unlike()
    await using store = await open(cluster, prefix)
    const address = newAddress()
    const { hung, isOnHung } = await hangingMaster(prefix)
    const far = times(64, (shard) => shard).filter((shard) => shard !== shardOf(address))
    const near = limit(ledgerOn(far.find((shard) => !isOnHung(shard))!), 1)
    const away = limit(ledgerOn(far.find(isOnHung)!), 1)
    hung.signal('SIGSTOP')
    try {
      await assert.rejects(store.verifications.issue(issueTo(address, { takes: [near, away] })))
      // Until the connection to the one that hangs is given up.
      await pause(2_500)
    } finally {
      hung.signal('SIGCONT')
    }
    await cluster.ready()
    assert.equal((await wellIssued(store, () => issueTo(newAddress(), { takes: [near] }))).kind, 'issued')
  })

  test('a member who is refused again and again leaves nothing behind', async () => {
    const prefix = unlike()
    await using store = await open(cluster, prefix)
    const full = limit(`ia:t:${'A'.repeat(20)}`, 0)
    const member = unlike()
    const { shard, key } = layoutOf(prefix).member('t', member)
    let address = newAddress()
    while (shardOf(address) === shard) address = newAddress()
    const home = { ...full, key: ledgerOn(shardOf(address)) }
    for (let i = 0; i < 3; i++) {
      const one = newIssue({ key: newKey({ address, member }), takes: [home] })
      assert.equal((await store.verifications.issue(one)).kind, 'throttled')
    }
    assert.equal(await (await cluster.nodeOf(key)).command('SCARD', key), 0)
  })

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
