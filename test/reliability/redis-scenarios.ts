/** What fails in an installation of two processes with Redis before PostgreSQL: a master, a replica, or all it holds. */

import { requirePeer } from '../peers.ts'
import { startPostgres } from '../postgres.ts'
import { type Redis, type RedisNode, redisPath, startRedis, startRedisCluster } from '../redis.ts'
import { pause } from './people.ts'
import { clockSteps, killAt, killed } from './process-faults.ts'
import type { EngineUnderTest, Scenario, Stage } from './scenario.ts'

export type RedisEngine = {
  readonly redis: Redis
  /** What is down or hung. */
  readonly away: RedisNode[]
}

type RedisScenario = Scenario<RedisEngine>
const processes = 2
/** Longer than a cluster takes to promote a replica. */
const failoverMs = 6_000

/** What was in the memory of Redis alone is gone with it; the documents say how much that may be. */
const lossy = [
  'each accepted send is accounted for',
  'issues stay within their limits',
  'comparisons stay within their limits',
] as const

const peer = requirePeer('Redis and PostgreSQL (apt-get install redis-server postgresql)', redisPath)

function underTest(
  name: string,
  start: () => Promise<Redis>,
  scenarios: readonly RedisScenario[],
): EngineUnderTest<RedisEngine> {
  return {
    name,
    peer,
    scenarios,
    async prepare() {
      const postgres = await startPostgres()
      return {
        async open() {
          const { host, port, user, password, database } = postgres.client(await postgres.newDatabase())
          const redis = await start()
          const engine: RedisEngine = { redis, away: [] }
          const env = {
            COUNTERSIGN_STORE: `postgres://${user}@${host}:${port}/${database}`,
            COUNTERSIGN_POSTGRES_PASSWORD: password,
            COUNTERSIGN_HOT: name === 'Redis' ? redis.url : redis.url.replace('redis:', 'redis+cluster:'),
            ...(redis.password !== null && { COUNTERSIGN_REDIS_PASSWORD: redis.password }),
          }
          return {
            engine,
            env: Array.from({ length: processes }, () => env),
            async [Symbol.asyncDispose]() {
              for (const node of engine.away) node.signal('SIGCONT')
              await redis[Symbol.asyncDispose]()
            },
          }
        },
        [Symbol.asyncDispose]: () => postgres[Symbol.asyncDispose](),
      }
    },
  }
}

async function oneMaster({ engine }: Stage<RedisEngine>): Promise<RedisNode> {
  const [master] = await engine.redis.masters()
  engine.away.push(master!)
  return master!
}

async function goOn({ engine }: Stage<RedisEngine>): Promise<void> {
  for (const node of engine.away.splice(0)) node.signal('SIGCONT')
}

function common(): RedisScenario[] {
  return [
    {
      fault: 'a master hung (SIGSTOP) for a moment, then going on',
      begin: async (stage) => (await oneMaster(stage)).signal('SIGSTOP'),
      end: goOn,
      lastsMs: 1_000,
      isOutage: true,
      isInShort: true,
    },
    {
      fault: 'a master killed (SIGKILL) and started again on its append-only file',
      async begin(stage) {
        await (await oneMaster(stage)).kill()
      },
      async end({ engine }) {
        for (const node of engine.away.splice(0)) await node.start()
      },
      lastsMs: 1_000,
      isOutage: true,
      // Flushed every second.
      excused: lossy,
    },
    {
      fault: 'all nodes killed (SIGKILL) and started again on their append-only files',
      begin: async ({ engine }) => void (await Promise.all(engine.redis.nodes.map((node) => node.kill()))),
      end: async ({ engine }) => void (await Promise.all(engine.redis.nodes.map((node) => node.start()))),
      lastsMs: 1_000,
      isOutage: true,
      excused: lossy,
    },
    {
      fault: 'emptied (FLUSHALL)',
      begin: ({ engine }) => engine.redis.flush(),
      end: async () => undefined,
      lastsMs: null,
      isOutage: true,
      excused: lossy,
    },
    killed(1),
    ...(['after-commit', 'after-claim', 'after-accept', 'before-settle', 'after-use'] as const).map((point) =>
      killAt<RedisEngine>(point, 1),
    ),
    clockSteps(1),
  ]
}

function failovers(): RedisScenario[] {
  return [
    {
      fault: 'a master killed (SIGKILL); its replica takes over',
      async begin(stage) {
        await (await oneMaster(stage)).kill()
        await pause(failoverMs)
      },
      async end({ engine }) {
        for (const node of engine.away.splice(0)) await node.start()
      },
      lastsMs: null,
      isOutage: true,
      isInShort: true,
      excused: lossy,
    },
    {
      fault: 'a master hung (SIGSTOP) until its replica took over, then going on',
      begin: async (stage) => (await oneMaster(stage)).signal('SIGSTOP'),
      end: goOn,
      lastsMs: failoverMs,
      isOutage: true,
      excused: lossy,
    },
    {
      fault: 'masters parted from their replicas (SIGSTOP to these), then a master killed',
      async begin(stage) {
        const { engine } = stage
        const masters = await engine.redis.masters()
        engine.away.push(...engine.redis.nodes.filter((node) => !masters.includes(node)))
        for (const node of engine.away) node.signal('SIGSTOP')
        await pause(1_000)
        await goOn(stage)
        await (await oneMaster(stage)).kill()
        await pause(failoverMs)
      },
      async end({ engine }) {
        for (const node of engine.away.splice(0)) await node.start()
      },
      lastsMs: null,
      isOutage: true,
      excused: lossy,
    },
  ]
}

export const redisUnderTest = underTest('Redis', () => startRedis(), common())
export const redisClusterUnderTest = underTest('Redis Cluster', () => startRedisCluster(), [
  ...common(),
  ...failovers(),
])
