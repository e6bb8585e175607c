/** Checks before a Redis is used: its settings, the hash slots of its shards, and that each shard answers. */

import { Cluster } from 'ioredis'
import { AppError } from '../../errors.ts'
import type { Calls } from './calls.ts'
import type { Client } from './client.ts'
import type { Layout } from './layout.ts'
import { type RedisChoice, redisName } from './redis-choice.ts'
import { infoOf, mastersOf } from './report.ts'

const maxMeetingMs = 5_000

/** The hash slot of each shard, computed by the cluster itself. */
export async function slotsOf(client: Client, layout: Layout): Promise<readonly number[]> {
  if (!(client instanceof Cluster)) return []
  return Promise.all(layout.of.map(({ records }) => client.cluster('KEYSLOT', records)))
}

/**
 * Sends every shard a call that does nothing. This loads the functions and reads the clock before a deadline depends on
 * them. A shard that is away is skipped, and met when it is back.
 */
export async function meet(calls: Calls, layout: Layout): Promise<void> {
  const until = performance.now() + maxMeetingMs
  const asked = layout.of.map(({ ends, dispatched, events }, shard) =>
    calls.call({ name: 'behind', shard, keys: [ends, dispatched, events], args: [], until }),
  )
  await Promise.allSettled(asked)
}

/** Refuses at start a Redis whose settings would lose or refuse records under load. */
export async function examine(client: Client, choice: RedisChoice): Promise<void> {
  for (const node of mastersOf(client)) {
    const problem = problemOf(await infoOf(node).catch(unavailable), choice)
    if (problem) throw new AppError('config.invalid', `hot: ${redisName(choice)} ${problem}`)
  }
}

function problemOf(field: (name: string) => string, { kind, wait }: RedisChoice): string | undefined {
  const major = Number(field('redis_version').split('.')[0])
  if (major < 7) return `is version ${field('redis_version')}; functions need Redis 7, or Valkey`
  if (field('cluster_enabled') === '1' && kind !== 'cluster')
    return 'is a node of a cluster; state redis+cluster://HOST:PORT,HOST:PORT'
  if (field('cluster_enabled') === '0' && kind === 'cluster') return 'is no cluster; state redis://HOST:PORT'
  if (field('maxmemory') !== '0' && field('maxmemory_policy') !== 'noeviction')
    return `drops what it holds when its memory is full (maxmemory-policy ${field('maxmemory_policy')}); set noeviction`
  const [, minor] = field('redis_version').split('.')
  if (wait?.isOnDisk && major === 7 && Number(minor) < 2)
    return 'has no WAITAOF, which came with 7.2; state redis.waitFor: memory'
  return undefined
}

export function unavailable(error: unknown): never {
  // Without any master there is no error either.
  const cause = (error instanceof AggregateError ? error.errors[0] : error) as Error | undefined
  throw new AppError('store.unavailable', `Redis: ${cause?.message ?? 'no master'}`, { cause })
}
