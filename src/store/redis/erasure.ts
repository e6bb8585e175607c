/** Erasing people from Redis: what is live of them ends and goes to the history, their messages and limiters go. */

import { type ErasedPerson, isLimiterOf, namesOf } from '../erasure.ts'
import type { Calls } from './calls.ts'
import type { Client } from './client.ts'
import type { Layout } from './layout.ts'
import type { RedisFunction } from './library.ts'
import { mastersOf } from './report.ts'

const keysAtOnce = 1000

/** @param untilOf  The deadline of a call that begins now. */
export function redisErasure(
  client: Client,
  calls: Calls,
  layout: Layout,
  prefix: string,
  untilOf: () => number,
) {
  /** Calls a function on each piece of a hash of the shard. @returns What the calls answered beside the cursors. */
  async function onEachPiece(name: RedisFunction, shard: number, keys: readonly string[], texts: string) {
    const answers: string[] = []
    for (let cursor = '0'; ; ) {
      const args = [texts, cursor]
      const [, , next, ...rest] = await calls.call({ name, shard, keys, args, until: untilOf() })
      answers.push(...rest.map(String))
      cursor = String(next)
      if (cursor === '0') return answers
    }
  }

  return {
    /** Ends all that is here of their verifications, which is to be moved to the history after that. */
    async end(people: readonly ErasedPerson[]): Promise<void> {
      const names = JSON.stringify(namesOf(people))
      await Promise.all(
        layout.of.map(async ({ records, live, ends, bodies, entries, due, waiting }, shard) => {
          const ids = await onEachPiece('find_people', shard, [records], names)
          if (ids.length === 0) return
          const texts = JSON.stringify([...new Set(ids)])
          await onEachPiece('drop_messages', shard, [bodies, entries, due, waiting], texts)
          const keys = [records, live, ends]
          await calls.call({ name: 'end_at_once', shard, keys, args: [texts], until: untilOf() })
        }),
      )
    },

    /** Drops their limiters, for which it looks at every key, a limited number at a time, and what only members have. */
    async drop(people: readonly ErasedPerson[]): Promise<void> {
      const isTheirs = isLimiterOf(people)
      for (const { tenant, member } of people)
        for (const { key } of [layout.member(tenant, member), layout.proofs(tenant, member)])
          await calls.command(untilOf(), 'DEL', key)
      await Promise.all(
        mastersOf(client).map(async (node) => {
          let cursor = '0'
          do {
            const [next, keys] = await node.scan(cursor, 'MATCH', `${prefix}:*:ledger:*`, 'COUNT', keysAtOnce)
            cursor = next
            for (const key of keys)
              if (isTheirs(key.slice(key.indexOf(':ledger:') + ':ledger:'.length))) await node.del(key)
          } while (cursor !== '0')
        }),
      )
    },
  }
}
