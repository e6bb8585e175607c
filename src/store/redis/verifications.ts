/** The verification verbs in Redis: each one function where the address lies, and what lies elsewhere around it. */

import { partitionOf } from '../../address/partition.ts'
import { newOutboxEntry } from '../../message/outbox-entry.ts'
import { type Hit, hitsOf, limitsWith } from '../../throttle/acquire.ts'
import { partitionOfId } from '../../verification/verification.ts'
import type {
  IssueRequest,
  IssueResult,
  SubmissionRequest,
  SubmissionResult,
  Used,
  UseRequest,
} from '../verifications.ts'
import { allWithin } from './arrivals.ts'
import type { Calls } from './calls.ts'
import { digestOfKey, type Layout } from './layout.ts'
import { newRecord, parseRecord, type RedisRecord, verificationOf } from './records.ts'
import { memberSetMs, type Refusal, refusalOf, reserve, throttledBy, wireOf } from './reservations.ts'

export type RedisVerifications = ReturnType<typeof redisVerifications>

/** What is wrong is made good also after its call was refused, for so long. */
const restoreMs = 500
/** So much of a call's time is left for its answer. */
const answerMs = 50

/** For what is not worth failing for: what is done is done. */
export function timeLeft(until: number): number {
  return Math.max(0, until - answerMs - performance.now())
}

export function redisVerifications(calls: Calls, layout: Layout) {
  /** @returns The record as it was, if it could be used, and is now. */
  async function useRecord(
    until: number,
    request: UseRequest,
  ): Promise<(RedisRecord & { now: number }) | undefined> {
    const { id, consumes, wrong, proof, repeat } = request
    const home = layout.shardOf(partitionOfId(id))
    const keys = layout.of[home]!
    // With a proof only after it is kept: who names the call again must not be told of one that is not there.
    const named = proof === undefined ? repeat : undefined
    const placed = wrong.map((hit) => ({ hit, ...layout.limiter(hit.key) }))
    const here = placed.filter((one) => one.shard === home)
    const reply = await calls.call({
      name: 'use',
      shard: home,
      keys: [
        keys.records,
        keys.live,
        ...here.map((one) => one.key),
        ...(named === undefined ? [] : [layout.repeat(home, named)]),
      ],
      args: [
        JSON.stringify({
          id,
          wrong: here.map((one) => one.hit),
          consumes,
          hasRepeat: named !== undefined,
        }),
      ],
      until,
    })
    if (reply[0] !== 'used') return undefined
    const record = parseRecord(reply[2])
    const used = { ...record, now: reply[1] }
    const freeing = refund(
      until,
      placed.filter((one) => one.shard !== home).map((one) => one.hit),
    )
    if (proof) {
      await putProof(until, record, proof)
      if (repeat !== undefined) await rememberRepeat(until, used, repeat).catch(() => undefined)
    }
    await allWithin(timeLeft(until), [freeing])
    return used
  }

  /** Failing that, they count: no limit is exceeded by it. */
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

  async function rememberRepeat(
    until: number,
    record: RedisRecord & { now: number },
    repeat: string,
  ): Promise<void> {
    const key = layout.repeat(layout.shardOf(partitionOfId(record.id)), repeat)
    await calls.command(until, 'SET', key, '1', 'PX', Math.max(1, record.expiresAt - record.now))
  }

  return {
    async issue(until: number, request: IssueRequest): Promise<IssueResult> {
      const { key, message, lease, lifetimeMs } = request
      const home = layout.shardOf(partitionOf(key.address))
      const member = { ...layout.member(key.tenant, key.member), id: request.id }
      const reservation = await reserve(calls, layout, until, home, request.limits, member)
      if (reservation.refusals.length > 0) return throttledBy(reservation.refusals)
      const { local, localMember } = reservation
      const keys = layout.of[home]!
      const made = newRecord(request)
      const reply = await calls.call({
        name: 'issue',
        shard: home,
        keys: [
          keys.records,
          keys.live,
          keys.ends,
          keys.bodies,
          keys.entries,
          keys.due,
          keys.waiting,
          ...local.map((one) => one.limiter),
          ...(localMember ? [localMember.key] : []),
        ],
        args: [
          JSON.stringify({
            limits: local.map((one) => wireOf(one.limit)),
            digest: made.digest,
            record: made,
            lifetimeMs,
            lease,
            ...(message && { message: message.id }),
            hasMember: localMember !== undefined,
            lastsMs: memberSetMs,
          }),
          message ? JSON.stringify(message) : '',
        ],
        until,
      })
      if (reply[0] === 'throttled') {
        await reservation.undo(until)
        return throttledBy([refusalOf(reply)])
      }
      const record = verificationOf(parseRecord(reply[2]))
      const entry = message && newOutboxEntry(message, reply[1], record)
      return { kind: reply[0] as 'issued' | 'live', record, ...(entry && { entry }) }
    },

    async takeSubmission(until: number, request: SubmissionRequest): Promise<SubmissionResult> {
      const { key, counted, wrong, maxSubmissions, repeat } = request
      const home = layout.shardOf(partitionOf(key.address))
      const reservation = await reserve(calls, layout, until, home, [...counted, ...wrong])
      const { local, refusals } = reservation
      const keys = layout.of[home]!
      const decoys = local.flatMap(({ limit: { decoyKey } }, i) =>
        decoyKey === undefined ? [] : [{ limit: i + 1, limiter: layout.limiter(decoyKey).key }],
      )
      const reply = await calls.call({
        name: 'take_submission',
        shard: home,
        keys: [
          keys.records,
          keys.live,
          ...(repeat === undefined ? [] : [layout.repeat(home, repeat)]),
          ...local.map((one) => one.limiter),
          ...decoys.map((one) => one.limiter),
        ],
        args: [
          JSON.stringify({
            limits: local.map((one) => wireOf(one.limit)),
            decoys: decoys.map(({ limit }, i) => ({ limit, key: i + 1 })),
            digest: digestOfKey(key),
            maxSubmissions,
            hasRepeat: repeat !== undefined,
            isRefused: refusals.length > 0,
            isSpent: refusals.some(endsCode),
          }),
        ],
        until,
      })
      const [kind, now] = reply
      if (kind === 'repeated') {
        await reservation.undo(until)
        return { kind }
      }
      if (kind === 'throttled') {
        if (refusals.length === 0) await reservation.undo(until)
        return throttledBy([...refusals, ...(reply[2] === '' ? [] : [refusalOf(reply)])])
      }
      // Read in either case, which must take one time.
      const told = verificationOf(parseRecord(reply[2]))
      const record = kind === 'unknown' ? undefined : told
      const taken = local.map((one) => one.limit).filter((limit) => wrong.includes(limit))
      const here = limitsWith(taken, record !== undefined)
      return {
        kind: 'taken',
        record,
        now,
        wrong: [...hitsOf(here, now), ...reservation.hitsOf(wrong)],
      }
    },

    async use(until: number, request: UseRequest): Promise<Used | undefined> {
      const record = await useRecord(until, request)
      return record && usedOf(record)
    },

    useRecord,

    /** Undoes a use; not refused by a deadline, for it makes good what is wrong. */
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

    /** Ends those that live, unused. */
    async cancel(until: number, ids: readonly string[]): Promise<void> {
      const groups = Map.groupBy(ids, (id) => layout.shardOf(partitionOfId(id)))
      await Promise.all(
        [...groups].map(([shard, some]) => {
          const { records, live } = layout.of[shard]!
          return calls.call({
            name: 'cancel',
            shard,
            keys: [records, live],
            args: [JSON.stringify(some), ''],
            until,
          })
        }),
      )
    },

    /** Those issued to a member lately. */
    async idsOf(until: number, tenant: string, member: string): Promise<readonly string[]> {
      return (await calls.command(until, 'SMEMBERS', layout.member(tenant, member).key)) as string[]
    },

    async get(until: number, id: string): Promise<RedisRecord | undefined> {
      const { records } = layout.of[layout.shardOf(partitionOfId(id))] ?? {}
      const text = records && (await calls.command(until, 'HGET', records, id))
      return text === undefined || text === null ? undefined : parseRecord(text)
    },

    /** All that are here of an address. */
    async find(until: number, address: string): Promise<readonly RedisRecord[]> {
      const shard = layout.shardOf(partitionOf(address))
      const found = new Map<string, RedisRecord>()
      for (let cursor = '0'; ; ) {
        const call = {
          name: 'find',
          shard,
          keys: [layout.of[shard]!.records],
          args: [address, cursor],
          until,
        } as const
        const [, , next, ...texts] = await calls.call(call)
        for (const text of texts) {
          const record = parseRecord(text)
          found.set(record.id, record)
        }
        cursor = String(next)
        if (cursor === '0') return [...found.values()]
      }
    },

    async countLive(until: number): Promise<number> {
      const counts = await Promise.all(layout.of.map(({ live }) => calls.command(until, 'HLEN', live)))
      return (counts as number[]).reduce((sum, count) => sum + count, 0)
    },

    refund,
    putProof,

    /** Whether the login has a proof. */
    async hasProof(until: number, tenant: string, member: string, login: string): Promise<boolean> {
      const { shard, key } = layout.proofs(tenant, member)
      const [, , has] = await calls.call({ name: 'has_proof', shard, keys: [key], args: [login], until })
      return has === 1
    },

    async endProofs(until: number, tenant: string, member: string): Promise<void> {
      await calls.command(until, 'DEL', layout.proofs(tenant, member).key)
    },

    rememberRepeat,
  }
}

export function usedOf(record: RedisRecord & { now: number }): Used {
  const { usedAt, issuedAt, broughtBy = null, now } = record
  return { isFirst: usedAt === undefined, issuedAt, usedAt: now, broughtBy }
}

/** Whose own limits refuse has spent the code; what others did to an address ends nobody else's. */
function endsCode({ scopes }: Refusal): boolean {
  return scopes.some((scope) => scope === 'member-address' || scope === 'member')
}
