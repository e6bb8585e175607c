/** The layout of Redis: the shard of each partition, and the names of its keys. */

import { hash } from 'node:crypto'
import { partitionOfLimiter, partitionOfSubject } from '../../throttle/policy.ts'
import type { VerificationKey } from '../../verification/verification.ts'

export type Layout = {
  readonly shards: number
  shardOf(partition: number): number
  limiter(key: string): { readonly shard: number; readonly key: string }
  /** The limiter of a key that one shard alone asks for. */
  limiterAt(shard: number, key: string): string
  member(tenant: string, member: string): { readonly shard: number; readonly key: string }
  proofs(tenant: string, member: string): { readonly shard: number; readonly key: string }
  repeat(shard: number, fingerprint: string): string
  /** The ids of the verifications that an app asked for with an API key. */
  asked(shard: number, app: string): string
  once(shard: number, key: string): string
  /** Where the fingerprint of a call lies, whatever shard the call is of. */
  onceClaim(key: string): string
  /** Held by the process that moves things to the history. */
  readonly archiver: string
  readonly of: readonly ShardKeys[]
}

/** The keys of a shard with many values each. Their contents are described in functions/*.lua. */
export type ShardKeys = {
  readonly records: string
  readonly live: string
  readonly ends: string
  readonly bodies: string
  readonly entries: string
  readonly due: string
  readonly waiting: string
  readonly dispatched: string
  readonly events: string
  readonly eventCount: string
  readonly proof: string
}

/** @param prefix  Separates installations that share a server. */
export function createLayout(prefix: string, shards: number): Layout {
  const name = (shard: number, what: string) => `${prefix}:{${shard}}:${what}`
  const shardOf = (partition: number) => partition % shards
  /** A partition costs a digest, so with a single shard none is computed. */
  const at = (partition: () => number, what: string) => {
    const shard = shards === 1 ? 0 : shardOf(partition())
    return { shard, key: name(shard, what) }
  }
  return {
    shards,
    shardOf,
    limiter: (key) => at(() => partitionOfLimiter(key), `ledger:${key}`),
    limiterAt: (shard, key) => name(shard, `ledger:${key}`),
    member: (tenant, member) =>
      at(() => partitionOfSubject(`${tenant}:${member}`), `member:${tenant}:${member}`),
    proofs: (tenant, member) =>
      at(() => partitionOfSubject(`${tenant}:${member}`), `proofs:${JSON.stringify([tenant, member])}`),
    asked: (shard, app) => name(shard, `asked:${app}`),
    repeat: (shard, fingerprint) => name(shard, `repeat:${fingerprint}`),
    once: (shard, key) => name(shard, `once:${key}`),
    onceClaim: (key) => at(() => partitionOfSubject(key), `once-claim:${key}`).key,
    archiver: name(0, 'archiver'),
    of: Array.from({ length: shards }, (_, shard) => ({
      records: name(shard, 'records'),
      live: name(shard, 'live'),
      ends: name(shard, 'ends'),
      bodies: name(shard, 'bodies'),
      entries: name(shard, 'entries'),
      due: name(shard, 'due'),
      waiting: name(shard, 'waiting'),
      dispatched: name(shard, 'dispatched'),
      events: name(shard, 'events'),
      eventCount: name(shard, 'event_count'),
      proof: name(shard, 'proof'),
    })),
  }
}

/** A digest of the five parts of a key, so that no address is in plain. */
export function digestOfKey({ tenant, app, subject, address, purpose }: VerificationKey): string {
  const parts = JSON.stringify([tenant, app, subject, address, purpose])
  return hash('sha256', parts, 'base64url')
}
