/** Verifications in Redis apart from their verbs: looked up, listed, counted and cancelled. */

import { partitionOf } from '../../address/partition.ts'
import type { LimiterState } from '../../throttle/limiter-state.ts'
import { partitionOfId, type Verification } from '../../verification/verification.ts'
import type { SeenLimiters } from '../verifications.ts'
import type { Calls } from './calls.ts'
import type { Layout } from './layout.ts'
import { parseRecord, type RedisRecord, verificationOf } from './records.ts'

export type RedisVerifications = ReturnType<typeof redisVerifications>

export function redisVerifications(calls: Calls, layout: Layout) {
  /** Goes through all records of some shards. @param wanted  A field that is written when a verification is issued. */
  async function searched(
    until: number,
    shards: readonly number[],
    wanted: Partial<Pick<RedisRecord, 'address' | 'app'>>,
  ): Promise<readonly Verification[]> {
    const [[name, value]] = Object.entries(wanted) as [['address' | 'app', string]]
    const text = JSON.stringify(wanted).slice(1, -1)
    const found = new Map<string, RedisRecord>()
    await Promise.all(
      shards.map(async (shard) => {
        for (let cursor = '0'; ; ) {
          const keys = [layout.of[shard]!.records]
          const [, , next, ...texts] = await calls.call({
            name: 'find',
            shard,
            keys,
            args: [text, cursor],
            until,
          })
          for (const record of texts.map(parseRecord))
            if (record[name] === value) found.set(record.id, record)
          cursor = String(next)
          if (cursor === '0') return
        }
      }),
    )
    return [...found.values()].map(verificationOf)
  }

  return {
    /** Ends live verifications, unused. */
    async endUnused(until: number, ids: readonly string[]): Promise<void> {
      const groups = Map.groupBy(ids, (id) => layout.shardOf(partitionOfId(id)))
      await Promise.all(
        [...groups].map(([shard, some]) => {
          const { records, live, events, eventCount } = layout.of[shard]!
          return calls.call({
            name: 'end_unused',
            shard,
            keys: [records, live, events, eventCount],
            args: [JSON.stringify(some)],
            until,
          })
        }),
      )
    },

    /** The ids of verifications lately issued to a member. */
    async idsOf(until: number, tenant: string, member: string): Promise<readonly string[]> {
      return (await calls.command(until, 'SMEMBERS', layout.member(tenant, member).key)) as string[]
    },

    async get(until: number, id: string): Promise<RedisRecord | undefined> {
      const { records } = layout.of[layout.shardOf(partitionOfId(id))] ?? {}
      const text = records && (await calls.command(until, 'HGET', records, id))
      return text === undefined || text === null ? undefined : parseRecord(text)
    },

    /** All verifications of an address that are in Redis. */
    find(until: number, address: string): Promise<readonly Verification[]> {
      return searched(until, [layout.shardOf(partitionOf(address))], { address })
    },

    /** All of an app that are in Redis and were asked for with an API key. */
    async list(until: number, app: string, subject: string | undefined): Promise<readonly Verification[]> {
      const found = await searched(until, [...layout.of.keys()], { app })
      return found.filter((one) => one.details !== null && (subject === undefined || one.subject === subject))
    },

    /** The clock of any of the nodes judges them. */
    async look(until: number, keys: readonly string[]): Promise<SeenLimiters> {
      const places = keys.map((key) => layout.limiter(key))
      const states = new Map<string, LimiterState>()
      const times = await Promise.all(
        [...Map.groupBy(places, ({ shard }) => shard)].map(async ([shard, some]) => {
          const names = some.map(({ key }) => key)
          const [, now, ...texts] = await calls.call({ name: 'look', shard, keys: names, args: [], until })
          for (const [i, text] of texts.entries())
            states.set(names[i]!, text === '{}' ? [] : (JSON.parse(String(text)) as number[]))
          return now
        }),
      )
      return { now: Math.max(0, ...times), states: places.map(({ key }) => states.get(key)!) }
    },

    async countLive(until: number): Promise<number> {
      const counts = await Promise.all(layout.of.map(({ live }) => calls.command(until, 'HLEN', live)))
      return (counts as number[]).reduce((sum, count) => sum + count, 0)
    },
  }
}
