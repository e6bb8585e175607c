/** Redis of its own for a test: single with replicas, behind Sentinel, or a cluster; stopped, hung and failed over as a test likes. */

import { quietPort, type RedisNode, startRedisNode } from './redis-node.ts'
import { until } from './until.ts'

export { type RedisNode, redisPath } from './redis-node.ts'

export type RedisOptions = {
  /** Of every node, and of replicas to their master. Default: a password. null: none. */
  readonly password?: string | null
  /** Default: true, flushed every second, as in production. */
  readonly appendonly?: boolean
  /** More lines of redis.conf, over the others. */
  readonly settings?: readonly string[]
}

export type Redis = AsyncDisposable & {
  /** For the setting `hot`, without the password. */
  readonly url: string
  readonly password: string | null
  /** Of data, in the order they were started: masters, then replicas. */
  readonly nodes: readonly RedisNode[]
  /** Who are masters at this moment, of those that answer; of a cluster, only with slots. */
  masters(): Promise<RedisNode[]>
  /** Removes every key, everywhere. Waits until replicas have it. */
  flush(): Promise<void>
}

export type RedisCluster = Redis & {
  /** The master that serves the key at this moment. */
  nodeOf(key: string): Promise<RedisNode>
  /** Replicas of the master at this moment. */
  replicasOf(master: RedisNode): Promise<RedisNode[]>
  /** Every slot served and every replica in step, by the report of every node that answers. */
  ready(): Promise<unknown>
}

export type RedisSentinel = Redis & {
  readonly sentinels: readonly RedisNode[]
  /** By which the sentinels know the master. */
  readonly name: string
  /** HOST:PORT of the sentinels. */
  readonly sentinelAddresses: readonly string[]
}

const commonPassword = 'a-redis-password-of-the-tests'

/** One master and its replicas; nobody promotes one. */
export async function startRedis(
  options: RedisOptions & { readonly replicas?: number } = {},
): Promise<Redis> {
  const stack = new AsyncDisposableStack()
  try {
    const { nodes, password } = await masterAndReplicas(stack, options, options.replicas ?? 0)
    return {
      ...redisOf(nodes, password, stack),
      url: `redis://127.0.0.1:${nodes[0]!.port}`,
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

/** A master and a replica, watched by three sentinels that fail over about a second after the master is gone. */
export async function startRedisSentinel(options: RedisOptions = {}): Promise<RedisSentinel> {
  const stack = new AsyncDisposableStack()
  const name = 'countersign'
  try {
    const { nodes, password } = await masterAndReplicas(stack, options, 1)
    const sentinels = await allStarted(
      stack,
      [0, 1, 2].map(() =>
        startRedisNode(
          [
            `sentinel monitor ${name} 127.0.0.1 ${nodes[0]!.port} 2`,
            `sentinel down-after-milliseconds ${name} 1000`,
            `sentinel failover-timeout ${name} 3000`,
            ...(password === null ? [] : [`sentinel auth-pass ${name} ${password}`]),
          ],
          { sentinel: true },
        ),
      ),
    )
    // Who does not know the others can't agree with them.
    await until(async () => {
      const known = await Promise.all(
        sentinels.map(async (sentinel) => (await sentinel.info('sentinel')).master0 ?? ''),
      )
      return known.every((line) => /status=ok,.*slaves=1,sentinels=3/.test(line))
    })
    return {
      ...redisOf(nodes, password, stack),
      url: `redis+sentinel://${placesOf(sentinels)}/${name}`,
      sentinels,
      name,
      sentinelAddresses: sentinels.map((sentinel) => `127.0.0.1:${sentinel.port}`),
    }
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

/** All or none: one that began beside one that failed would outlive the test, and hold its process. */
async function allStarted<T extends AsyncDisposable>(
  stack: AsyncDisposableStack,
  starting: readonly Promise<T>[],
): Promise<readonly T[]> {
  const started = await Promise.allSettled(starting)
  for (const one of started) if (one.status === 'fulfilled') stack.use(one.value)
  return started.map((one) => {
    if (one.status === 'rejected') throw one.reason
    return one.value
  })
}

const slots = 16_384

/** Three masters with a replica each; a replica is promoted about three seconds after its master is gone. */
export async function startRedisCluster(options: RedisOptions = {}): Promise<RedisCluster> {
  const stack = new AsyncDisposableStack()
  try {
    const password = passwordOf(options)
    const nodes = await allStarted(
      stack,
      Array.from({ length: 6 }, async () => {
        const busPort = await quietPort()
        const node = await startRedisNode(
          [
            ...dataSettings(options),
            'cluster-enabled yes',
            `cluster-port ${busPort}`,
            'cluster-node-timeout 2000',
            // A replica takes over however long it had no word of its master.
            'cluster-replica-validity-factor 0',
            ...(options.settings ?? []),
          ],
          { password },
        )
        return Object.assign(node, { busPort })
      }),
    )
    await join(nodes)
    const cluster = clusterOf(nodes, redisOf(nodes, password, stack))
    await cluster.ready()
    return cluster
  } catch (error) {
    await stack.disposeAsync()
    throw error
  }
}

/** By hand: what `redis-cli --cluster create` does, without its pauses. */
async function join(nodes: readonly (RedisNode & { readonly busPort: number })[]): Promise<void> {
  const [first, ...others] = nodes
  const masters = nodes.slice(0, 3)
  const share = Math.ceil(slots / masters.length)
  for (const [nth, node] of nodes.entries())
    await node.command('CLUSTER', 'SET-CONFIG-EPOCH', String(nth + 1))
  for (const [nth, master] of masters.entries())
    await master.command(
      'CLUSTER',
      'ADDSLOTSRANGE',
      String(nth * share),
      String(Math.min((nth + 1) * share, slots) - 1),
    )
  for (const node of others)
    await node.command('CLUSTER', 'MEET', '127.0.0.1', String(first!.port), String(first!.busPort))
  await until(async () => {
    const infos = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'INFO')))
    return infos.every((info) => /cluster_known_nodes:6\b/.test(String(info)))
  })
  for (const [nth, replica] of nodes.slice(3).entries()) {
    const id = String(await masters[nth]!.command('CLUSTER', 'MYID'))
    // Refused while the name of the master is not yet learnt.
    await until(() =>
      replica.command('CLUSTER', 'REPLICATE', id).then(
        () => true,
        () => false,
      ),
    )
  }
}

function clusterOf(nodes: readonly RedisNode[], redis: Omit<Redis, 'url'>): RedisCluster {
  const byPort = (port: unknown) => nodes.find((node) => node.port === port)!
  const replicasOf = async (master: RedisNode) => {
    const [, , replicas] = (await master.command('ROLE')) as [string, number, [string, string][]]
    return replicas.map(([, port]) => byPort(Number(port)))
  }
  return {
    ...redis,
    url: `redis+cluster://${placesOf(nodes)}`,
    replicasOf,
    async nodeOf(key) {
      for (const node of nodes) {
        if (!(await node.isUp())) continue
        const slot = Number(await node.command('CLUSTER', 'KEYSLOT', key))
        const ranges = (await node.command('CLUSTER', 'SLOTS')) as [number, number, [string, number]][]
        const range = ranges.find(([from, to]) => from <= slot && slot <= to)
        if (range) return byPort(range[2][1])
      }
      throw new Error('no node knows who serves the key')
    },
    ready: () =>
      until(async () => {
        const up = await answering(nodes)
        const infos = await Promise.all(up.map((node) => node.command('CLUSTER', 'INFO')))
        const links = await Promise.all(up.map(isInStep))
        return (
          links.every(Boolean) &&
          infos.every(
            (info) =>
              /cluster_state:ok\r\n/.test(String(info)) && /cluster_slots_ok:16384\r\n/.test(String(info)),
          )
        )
      }),
  }
}

async function masterAndReplicas(
  stack: AsyncDisposableStack,
  options: RedisOptions,
  replicas: number,
): Promise<{ nodes: RedisNode[]; password: string | null }> {
  const password = passwordOf(options)
  const settings = [...dataSettings(options), ...(options.settings ?? [])]
  const master = stack.use(await startRedisNode(settings, { password }))
  const others = await Promise.all(
    Array.from({ length: replicas }, async () =>
      stack.use(await startRedisNode([...settings, `replicaof 127.0.0.1 ${master.port}`], { password })),
    ),
  )
  const nodes = [master, ...others]
  await until(async () => (await Promise.all(nodes.map(isInStep))).every(Boolean))
  return { nodes, password }
}

function dataSettings({ appendonly = true }: RedisOptions): string[] {
  return [
    `appendonly ${appendonly ? 'yes' : 'no'}`,
    'appendfsync everysec',
    'save ""',
    // The default of 5 s waits for more replicas to come.
    'repl-diskless-sync-delay 0',
    'enable-debug-command local',
  ]
}

const passwordOf = ({ password = commonPassword }: RedisOptions) => password

const placesOf = (nodes: readonly RedisNode[]) => nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')

/** What a master has sent, its replica has: always so of a master. */
async function isInStep(node: RedisNode): Promise<boolean> {
  const info = await node.info('replication')
  return info.role === 'master' || (info.master_link_status === 'up' && info.master_sync_in_progress === '0')
}

async function answering(nodes: readonly RedisNode[]): Promise<RedisNode[]> {
  const up = await Promise.all(nodes.map((node) => node.isUp()))
  return nodes.filter((_, nth) => up[nth])
}

function redisOf(
  nodes: readonly RedisNode[],
  password: string | null,
  stack: AsyncDisposableStack,
): Omit<Redis, 'url'> {
  async function masters(): Promise<RedisNode[]> {
    const up = await answering(nodes)
    const roles = await Promise.all(up.map(async (node) => ((await node.command('ROLE')) as string[])[0]))
    return up.filter((_, nth) => roles[nth] === 'master')
  }
  return {
    password,
    nodes,
    masters,
    async flush() {
      for (const master of await masters()) {
        await master.command('FLUSHALL', 'SYNC')
        const { connected_slaves } = await master.info('replication')
        if (connected_slaves !== '0') await master.command('WAIT', connected_slaves!, '2000')
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
