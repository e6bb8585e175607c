/** Uses a verification in Redis, with the consequences on other shards, and undoes a use. */

import type { Hit } from '../../throttle/acquire.ts'
import { partitionOfId } from '../../verification/verification.ts'
import type { Used, UseRequest } from '../verifications.ts'
import { allWithin } from './all-within.ts'
import type { Calls } from './calls.ts'
import type { Layout } from './layout.ts'
import { onceOption, optionsOf } from './once.ts'
import { parseRecord, type RedisRecord } from './records.ts'

export type RedisUses = ReturnType<typeof redisUses>

/** A record as it was before its use, and the engine time of the use. */
export type UsedRecord = RedisRecord & { readonly now: number }

/** The time for undoing a use, which is also done after its call was refused. */
const restoreMs = 500
/** The part of a call's time that is kept for its answer. */
const answerMs = 50

/** The time for acts that do not change the outcome: the verb is done even if they do not end in time. */
export function timeLeft(until: number): number {
  return Math.max(0, until - answerMs - performance.now())
}

export function usedOf({ usedAt, issuedAt, broughtBy, now }: UsedRecord): Used {
  return { isFirst: usedAt === undefined, issuedAt, usedAt: now, broughtBy: broughtBy ?? null }
}

export function redisUses(calls: Calls, layout: Layout) {
  /** @returns undefined if the verification could not be used. */
  async function use(
    until: number,
    request: UseRequest,
    isToldElsewhere = false,
  ): Promise<{ readonly record: UsedRecord } | { readonly replayed: Used } | undefined> {
    const { id, consumes, wrong, proof, repeat, once } = request
    const home = layout.shardOf(partitionOfId(id))
    // A repeat is answered with success. If there is a proof, it must be kept before that.
    const named = proof === undefined ? repeat : undefined
    const placed = wrong.map((hit) => ({ hit, ...layout.limiter(hit.key) }))
    const here = placed.filter(({ shard, hit }) => shard === home && hit.form === 'events')
    const [kind, now, text] = await calls.call({
      name: 'use',
      shard: home,
      keys: [
        ...here.map((one) => one.key),
        ...(named === undefined ? [] : [layout.repeat(home, named)]),
        ...(once ? [layout.once(home, once.key)] : []),
      ],
      args: [
        id,
        consumes ? 'c' : '',
        here.map(({ hit }) => hit.at).join(),
        named === undefined ? '' : 'r',
        optionsOf(isToldElsewhere && 'untold', onceOption(once)),
      ],
      until,
    })
    if (kind === 'replayed') return { replayed: { ...(JSON.parse(text as string) as Used), replayed: true } }
    if (kind !== 'used') return undefined
    const record = parseRecord(text)
    const used = { ...record, now }
    const elsewhere = placed.filter(({ shard }) => shard !== home).map(({ hit }) => hit)
    if (elsewhere.length === 0 && !proof) return { record: used }
    const refunding = refund(until, elsewhere)
    if (proof) {
      await putProof(until, record, proof)
      if (repeat !== undefined) await rememberRepeat(until, used, repeat).catch(() => undefined)
    }
    await allWithin(timeLeft(until), [refunding])
    return { record: used }
  }

  /** Hits that could not be refunded count: no limit is exceeded by that. */
  async function refund(until: number, hits: readonly Hit[]): Promise<void> {
    const groups = Map.groupBy(hits, ({ key }) => layout.limiter(key).shard)
    await Promise.all(
      [...groups].map(([shard, some]) =>
        calls
          .call({
            name: 'refund',
            shard,
            keys: some.map(({ key }) => layout.limiter(key).key),
            args: [JSON.stringify(some), ''],
            until,
          })
          .catch(() => undefined),
      ),
    )
  }

  async function putProof(
    until: number,
    { tenant, member }: { tenant: string; member: string },
    { login, lastsMs }: { login: string; lastsMs: number },
  ) {
    const { shard, key } = layout.proofs(tenant, member)
    await calls.call({ name: 'put_proof', shard, keys: [key], args: [login, lastsMs], until })
  }

  async function rememberRepeat(until: number, record: UsedRecord, repeat: string): Promise<void> {
    const key = layout.repeat(layout.shardOf(partitionOfId(record.id)), repeat)
    await calls.command(until, 'SET', key, '1', 'PX', Math.max(1, record.expiresAt - record.now))
  }

  return {
    async use(until: number, request: UseRequest): Promise<Used | undefined> {
      const used = await use(until, request)
      return used && ('replayed' in used ? used.replayed : usedOf(used.record))
    },

    /** A use that may be undone by `restore`. Its event is told by who decides about that. */
    async begin(until: number, request: Omit<UseRequest, 'once'>): Promise<UsedRecord | undefined> {
      const used = await use(until, request, true)
      return used && 'record' in used ? used.record : undefined
    },

    refund,
    rememberRepeat,

    /** Undoes a use. It has time of its own, because without it a code that changed nothing would be used up. */
    async restore({ id, state, usedAt }: RedisRecord): Promise<void> {
      const shard = layout.shardOf(partitionOfId(id))
      const { records, live } = layout.of[shard]!
      await calls.call({
        name: 'restore',
        shard,
        keys: [records, live],
        args: [id, state, usedAt ?? ''],
        until: performance.now() + restoreMs,
      })
    },

    /** Whether the login has a proof. */
    async hasProof(until: number, tenant: string, member: string, login: string): Promise<boolean> {
      const { shard, key } = layout.proofs(tenant, member)
      const [, , has] = await calls.call({ name: 'has_proof', shard, keys: [key], args: [login], until })
      return has === 1
    },

    async endProofs(until: number, tenant: string, member: string): Promise<void> {
      await calls.command(until, 'DEL', layout.proofs(tenant, member).key)
    },
  }
}
