/** Verifications in Redis apart from their verbs: looked up, listed, counted and cancelled. */

import { partitionOf } from '../../address/partition.ts'
import type { LimiterState } from '../../throttle/limiter-state.ts'
import { partitionOfId, type Verification } from '../../verification/verification.ts'
import type { FoundVerifications, SeenLimiters, Verifications } from '../verifications.ts'
import type { Calls } from './calls.ts'
import { afterAllIds } from './find.ts'
import type { Layout } from './layout.ts'
import { parseRecord, type RedisRecord, verificationOf } from './records.ts'

type ListQuery = Parameters<Verifications['list']>[0]

/** The most records that are looked at on a shard for some of them: a millisecond or two. */
const lookedAt = 1000

export type RedisVerifications = ReturnType<typeof redisVerifications>

export function redisVerifications(calls: Calls, layout: Layout) {
  /** Goes through all records of the shard of an address, for the operator. */
  async function searched(until: number, address: string): Promise<readonly Verification[]> {
    const shard = layout.shardOf(partitionOf(address))
    const text = JSON.stringify({ address }).slice(1, -1)
    const found = new Map<string, RedisRecord>()
    for (let cursor = '0'; ; ) {
      const keys = [layout.of[shard]!.records]
      const args = [text, cursor]
      const [, , next, ...texts] = await calls.call({ name: 'find', shard, keys, args, until })
      for (const record of texts.map(parseRecord))
        if (record.address === address) found.set(record.id, record)
      cursor = String(next)
      if (cursor === '0') return [...found.values()].map(verificationOf)
    }
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
      return searched(until, address)
    },

    /** A piece of those that are in Redis and that an app asked for with an API key. */
    async list(until: number, query: ListQuery): Promise<FoundVerifications> {
      const { app, subject, address, before = afterAllIds, max } = query
      const shards = address === undefined ? [...layout.of.keys()] : [layout.shardOf(partitionOf(address))]
      const wanted = {
        ...(subject !== undefined && { member: subject }),
        ...(address !== undefined && { address }),
      }
      const [field] = Object.entries(wanted)
      const text = field ? JSON.stringify(Object.fromEntries([field])).slice(1, -1) : ''
      const rows = field ? lookedAt : max
      const pieces = await Promise.all(
        shards.map(async (shard) => {
          const keys = [layout.asked(shard, app), layout.of[shard]!.records]
          const [, , end, ...texts] = await calls.call({
            ...{ name: 'asked', shard, keys, args: [before, rows, text], until },
          })
          return { end: String(end), records: texts.map(parseRecord) }
        }),
      )
      // Below the end of any shard's piece there may be others of that shard.
      const end = pieces.reduce((last, one) => (one.end > last ? one.end : last), '')
      const found = pieces
        .flatMap(({ records }) => records.map(verificationOf))
        .filter(
          (one) =>
            one.id >= end &&
            (subject === undefined || one.subject === subject) &&
            (address === undefined || one.address === address),
        )
      return { found, next: end === '' ? null : end }
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
