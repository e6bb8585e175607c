/** Whether every master takes writes: one small write to each, by a shard that it has. */

import { Cluster } from 'ioredis'
import { allWithin } from './arrivals.ts'
import type { Calls } from './calls.ts'
import type { Client } from './client.ts'
import type { Layout } from './layout.ts'

/** Of the time of the call: a master that hangs must not hide that the others are well. */
const answerMs = 100

/**
 * @param slots  The hash slot of each shard; empty without a cluster.
 * @returns What each of the masters said that take none, while others do.
 * @throws AppError `store.unavailable` if none of them does.
 */
export async function proveWrites(
  client: Client,
  calls: Calls,
  layout: Layout,
  slots: readonly number[],
  until: number,
): Promise<readonly string[]> {
  const masterOf = (shard: number) =>
    client instanceof Cluster ? (client.slots[slots[shard]!]?.[0] ?? 'no master') : ''
  const shards = Array.from({ length: layout.shards }, (_, shard) => shard)
  const masters = [...Map.groupBy(shards, masterOf)]
  const leftMs = Math.max(1, until - answerMs - performance.now())
  const failures = await Promise.all(
    masters.map(([, [shard]]) =>
      allWithin(leftMs, [
        calls.call({ name: 'prove', shard: shard!, keys: [layout.of[shard!]!.proof], args: [], until }),
      ]),
    ),
  )
  const failed = failures.filter((one) => one !== undefined)
  if (failed.length === masters.length) throw failed[0]!
  return masters.flatMap(([name], i) => (failures[i] ? [`${name}: ${failures[i].message}`] : []))
}
