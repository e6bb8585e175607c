/** Erasing people from Redis: what is live of them ends and goes to the history, their messages and limiters go. */

import type { Redis } from 'ioredis'
import { addressKey } from '../../address/address.ts'
import { type ErasedPeople, isLimiterOf } from '../erasure.ts'
import type { History } from '../history.ts'
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
  history: History,
  prefix: string,
  untilOf: () => number,
) {
  /** Looks at every key of a kind, some at a time. */
  async function forKeys(kind: string, act: (node: Redis, keys: readonly string[]) => Promise<void>) {
    await Promise.all(
      mastersOf(client).map(async (node) => {
        let cursor = '0'
        do {
          const [next, keys] = await node.scan(cursor, 'MATCH', `${prefix}:*:${kind}:*`, 'COUNT', keysAtOnce)
          cursor = next
          if (keys.length > 0) await act(node, keys)
        } while (cursor !== '0')
      }),
    )
  }

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
    async end(people: ErasedPeople): Promise<void> {
      const { tenant, subjects, addresses } = people
      const names = JSON.stringify({ tenant, names: [...subjects, ...addresses.map(addressKey)] })
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

    /** Drops their limiters, and the answers about verifications of theirs that are in the history by now. */
    async drop(people: ErasedPeople): Promise<void> {
      const isTheirs = isLimiterOf(people)
      for (const subject of people.subjects)
        await calls.command(untilOf(), 'DEL', layout.proofs(people.tenant, subject).key)
      await forKeys('ledger', async (node, keys) => {
        for (const key of keys) if (isTheirs(afterKind(key, 'ledger'))) await node.del(key)
      })
      // The names of these sets hold subjects; an empty set is none.
      await forKeys(`member:${globOf(people.tenant)}`, async (node, keys) => {
        const sets = await Promise.all(keys.map(async (key) => ({ key, ids: await node.smembers(key) })))
        const ids = sets.flatMap((one) => one.ids)
        const theirs = new Set(await history.ofPeople(untilOf(), ids, people))
        for (const one of sets) {
          const gone = one.ids.filter((id) => theirs.has(id))
          if (gone.length > 0) await node.srem(one.key, ...gone)
        }
      })
      await forKeys('once', async (node, keys) => {
        const texts = await Promise.all(keys.map((key) => node.get(key)))
        const byId = Map.groupBy(keys, (_, nth) => verificationIn(texts[nth]!))
        const ids = [...byId.keys()].filter((id) => id !== undefined)
        for (const id of await history.ofPeople(untilOf(), ids, people))
          for (const key of byId.get(id)!) {
            await node.del(key)
            await calls.command(untilOf(), 'DEL', layout.onceClaim(afterKind(key, 'once')))
          }
      })
    },
  }
}

const afterKind = (key: string, kind: string) => key.slice(key.indexOf(`:${kind}:`) + kind.length + 2)

/** A text in a pattern of keys. */
const globOf = (text: string) => text.replaceAll(/[\\*?[\]^]/g, '\\$&')

/** In the answer of a call that came by an idempotency key, see functions/once.lua. */
const verificationIn = (text: string | null) => /^\S* \{[^{]*?"id":"([0-9a-f]+)"/.exec(text ?? '')?.[1]
