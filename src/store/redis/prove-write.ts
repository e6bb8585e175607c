/** Proves that every master takes writes, by a small write to a shard of each. */

import { Cluster } from 'ioredis'
import { allWithin } from './all-within.ts'
import type { Calls } from './calls.ts'
import type { Client } from './client.ts'
import type { Layout } from './layout.ts'

/** The part of a call's time kept for its answer, so that a master that hangs does not hide the results of the others. */
const answerMs = 100

/**
 * @param slots  The hash slot of each shard; empty without a cluster.
 * @returns The words of each master that takes no writes while others do.
 * @throws AppError `store.unavailable` if no master takes any.
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
