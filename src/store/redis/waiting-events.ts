/** Events that wait in Redis for the history: published there first, in their order, and only then dropped here. */

import { partitionOfId } from '../../verification/verification.ts'
import type { NewEvent } from '../events.ts'
import type { History } from '../history.ts'
import { storableJson } from '../storable.ts'
import { allWithin } from './all-within.ts'
import type { Calls } from './calls.ts'
import type { Layout } from './layout.ts'
import type { RedisRecord } from './records.ts'
import { eventsIn, expiredEvents } from './told-events.ts'

export type WaitingEvents = ReturnType<typeof createWaitingEvents>

/** How many events of a shard are read at once. */
const piece = 256
/** The longest wait for a shard, so that events in the others still reach the history. */
const waitMs = 200

export function createWaitingEvents(calls: Calls, layout: Layout, history: Pick<History, 'publish'>) {
  const allShards = Array.from({ length: layout.shards }, (_, shard) => shard)

  async function read(until: number, shard: number) {
    const texts = await calls.command(until, 'ZRANGE', layout.of[shard]!.events, 0, piece - 1)
    return { shard, texts: texts as string[] }
  }

  /**
   * A process publishes the first events of a shard, and drops them when they are published. So whatever others do
   * meanwhile, no event is published before one that came earlier in its shard.
   */
  async function move(until: number, shards: readonly number[] = allShards): Promise<void> {
    for (let left = shards; left.length > 0; ) {
      const pieces: Awaited<ReturnType<typeof read>>[] = []
      const reading = left.map(async (shard) => void pieces.push(await read(until, shard)))
      const failure = await allWithin(Math.min(waitMs, until - performance.now()), reading)
      const found = pieces.filter(({ texts }) => texts.length > 0)
      if (found.length > 0) {
        await history.publish(
          until,
          found.flatMap(({ texts }) => texts.flatMap(eventsIn)),
        )
        // If this fails they are published again later, which changes nothing.
        await Promise.all(
          found.map(({ shard, texts }) => calls.command(until, 'ZREM', layout.of[shard]!.events, ...texts)),
        )
      }
      if (failure) throw failure
      left = found.filter(({ texts }) => texts.length === piece).map(({ shard }) => shard)
    }
  }

  let moving: Promise<void> | undefined
  let next: Promise<void> | undefined

  return {
    move,

    /** Whether a shard has the events of a verification. An event may be about none. */
    hasShard: (verification: string): boolean =>
      layout.of[layout.shardOf(partitionOfId(verification))] !== undefined,

    /** Moves all events that were added before this call. Calls meanwhile share the next run. */
    catchUp(until: number): Promise<void> {
      const run = () => {
        moving = move(until).finally(() => {
          moving = undefined
        })
        return moving
      }
      if (!moving) return run()
      next ??= moving
        .catch(() => undefined)
        .then(() => {
          next = undefined
          return run()
        })
      return next
    },

    /** Publishes that verifications of a shard have expired, after the events that they have there. */
    async publishExpired(until: number, shard: number, records: readonly RedisRecord[]): Promise<void> {
      const told = records.filter((one) => one.told)
      if (told.length === 0) return
      await move(until, [shard])
      await history.publish(until, told.flatMap(expiredEvents))
    },

    /** Adds events to those of their verifications, each of which has one. */
    async append(until: number, events: readonly NewEvent[]): Promise<void> {
      const groups = Map.groupBy(events, ({ verification }) => layout.shardOf(partitionOfId(verification)))
      await Promise.all(
        [...groups].map(([shard, some]) => {
          const { events: key, eventCount } = layout.of[shard]!
          const args = some.flatMap((one) => [one.type, one.verification, storableJson(one)])
          return calls.call({ name: 'add_events', shard, keys: [key, eventCount], args, until })
        }),
      )
    },
  }
}
