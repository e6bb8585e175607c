/** The contracts over Redis beside PostgreSQL: one server, and a cluster of three masters and three replicas. */

import { after, before, describe } from 'node:test'
import { requirePeer } from '../../../test/peers.ts'
import { type Postgres, postgresPaths, startPostgres } from '../../../test/postgres.ts'
import { type Redis, redisPath, startRedis, startRedisCluster } from '../../../test/redis.ts'
import { storeConformance } from '../conformance/conformance.ts'
import { unlike } from '../conformance/fixtures.ts'
import type { RedisChoice } from './redis-choice.ts'
import { openRedisStore } from './redis-store.ts'

const peer = {
  ...requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths),
  ...requirePeer('Redis (apt-get install redis-server)', redisPath),
}

let postgres: Postgres
before(async () => {
  if (!peer.skip) postgres = await startPostgres()
})
after(() => postgres?.[Symbol.asyncDispose]())

function choiceOf(redis: Redis, kind: RedisChoice['kind'], prefix: string): RedisChoice {
  const endpoints = redis.nodes.map(({ port }) => ({ host: '127.0.0.1', port }))
  return {
    kind,
    endpoints: kind === 'single' ? endpoints.slice(0, 1) : endpoints,
    masterName: null,
    user: null,
    password: redis.password,
    tls: 'off',
    caFile: null,
    prefix,
    wait: null,
  }
}

/** Names of conformance tests of what Redis cannot do yet. */
const lacks: readonly string[] = []

async function underTest(redis: Redis, kind: RedisChoice['kind']) {
  const database = await postgres.newDatabase()
  const client = postgres.client(database)
  const choice = choiceOf(redis, kind, unlike())
  const open = () =>
    openRedisStore({
      redis: choice,
      postgres: { client, poolSize: 6, deadlineMs: 10_000 },
      deadlineMs: 10_000,
    })
  const [store, second] = [await open(), await open()]
  return {
    store,
    second,
    async [Symbol.asyncDispose]() {
      await second[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await redis[Symbol.asyncDispose]()
    },
  }
}

describe('one server', peer, () => {
  storeConformance('Redis', async () => underTest(await startRedis(), 'single'), lacks)
})

describe('a cluster', peer, () => {
  storeConformance('Redis Cluster', async () => underTest(await startRedisCluster(), 'cluster'), lacks)
})
