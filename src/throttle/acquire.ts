/** The pure decision whether one more event is within all limits, and if not, how long to wait. */

import {
  forgottenAt,
  type LimiterForm,
  type LimiterState,
  type Rule,
  waitMs,
  withHit,
  withoutHit,
} from './limiter-state.ts'

/** The subject that a limit counts by. The names are public, because metrics and refusals have them. */
export type Scope =
  | 'address'
  | 'address-total'
  | 'member-address'
  | 'member'
  | 'member-addresses'
  | 'network'
  | 'app'
  | 'app-day'
  | 'password'

/** A limit on one subject: the key of its limiter, and its rules. */
export type Limit = {
  readonly scope: Scope
  /** The limiter's key, different for each subject, act and scope. Holds no plain address. */
  readonly key: string
  readonly form: LimiterForm
  readonly rules: readonly Rule[]
  /** For `distinct` rules: the number that stands for the counted thing, see `tagOf`. */
  readonly tag?: number
  /** Hits are kept at least so long, because other users of the limiter may look back further than these rules. */
  readonly keepMs?: number
  /** The rules may refuse, but no hit is made. */
  readonly looksOnly?: true
  /**
   * For a submission that counts only if the member has a live verification. Without one, the hit goes to the limiter of
   * this key, which nobody reads, so that both cases cost the same.
   */
  readonly decoyKey?: string
}

/** A hit that was made, as a refund needs it. `at`: time of the limiter's own engine, ms. */
export type Hit = Pick<Limit, 'key' | 'form'> & { readonly at: number }

/** A refusal: the limit with the longest wait, its kind, and milliseconds until one more is allowed. */
export type Throttled = {
  readonly kind: 'throttled'
  readonly scope: Scope
  readonly rule: Rule['kind']
  readonly retryAfterMs: number
  /** Every scope that refused. The consequences of a refusal may depend on another scope than the one with the longest wait. */
  readonly scopes: readonly Scope[]
}

/**
 * The limiters after the hit, in the order of the limits, each with the time when it may be dropped; undefined for a
 * limiter that was only read.
 */
export type Acquired = {
  readonly kind: 'acquired'
  readonly limiters: readonly ({ limiter: LimiterState; forgottenAt: number } | undefined)[]
}

/**
 * Decides over all limits together: either each gets a hit, or none does. Pure: an engine reads the limiters, calls this
 * and writes the result within one atomic step. Limits with one key make a hit each in its limiter; their rules are
 * compared with what it had before: see `timesOf` of the policy.
 * @param limiters  In the order of the limits; undefined for one that does not exist yet.
 * @returns On a refusal the longest wait of all refusing rules, so that one wait is enough.
 */
export function decideAcquire(
  limits: readonly Limit[],
  limiters: readonly (LimiterState | undefined)[],
  now: number,
): Acquired | Throttled {
  let refusal: Throttled | undefined
  const scopes: Scope[] = []
  for (let i = 0; i < limits.length; i++) {
    const limit = limits[i]!
    for (const rule of limit.rules) {
      const retryAfterMs = waitMs(limiters[i] ?? [], rule, now, limit.tag ?? 0)
      if (retryAfterMs <= 0) continue
      scopes.push(limit.scope)
      if (!refusal || retryAfterMs > refusal.retryAfterMs)
        refusal = { kind: 'throttled', scope: limit.scope, rule: rule.kind, retryAfterMs, scopes }
    }
  }
  if (refusal) return refusal
  const hit = new Map<string, LimiterState>()
  return {
    kind: 'acquired',
    limiters: limits.map((limit, i) => {
      if (limit.looksOnly) return undefined
      const before = hit.get(limit.key) ?? limiters[i] ?? []
      const limiter = withHit(before, limit.form, limit.rules, now, limit.tag ?? 0, limit.keepMs)
      hit.set(limit.key, limiter)
      return { limiter, forgottenAt: forgottenAt(limiter, limit.form, limit.rules) }
    }),
  }
}

/** The hits of limits that were all made at one time. */
export function hitsOf(limits: readonly Limit[], at: number): readonly Hit[] {
  return limits.filter((limit) => !limit.looksOnly).map(({ key, form }) => ({ key, form, at }))
}

/**
 * Where a submission counts that finds nothing live; undefined: where it would otherwise. One that names a verification
 * counts for that one alone: who keeps the id of an ended one must not use up the limits, and so end the code, of another.
 */
export function decoyKeyOf(
  { key, decoyKey }: Pick<Limit, 'key' | 'decoyKey'>,
  id?: string,
): string | undefined {
  return id === undefined ? decoyKey : `wx:${id}:${key}`
}

/**
 * The limits of a submission, now that it is known whether its verification is live.
 * @param id  The verification that it names.
 */
export function limitsWith(limits: readonly Limit[], isLive: boolean, id?: string): Limit[] {
  return limits.map(({ decoyKey, ...limit }) => {
    const key = isLive ? undefined : decoyKeyOf({ key: limit.key, ...(decoyKey && { decoyKey }) }, id)
    return key === undefined ? limit : { ...limit, key }
  })
}

/** Takes a hit out of its limiter, because it did not count after all. */
export function refund({ form, at }: Hit, limiter: LimiterState): LimiterState {
  return withoutHit(limiter, form, at)
}

/** A number of 48 bits that stands for a text in a `distinct` rule. */
export function tagOf(digest: Uint8Array): number {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).readUIntBE(0, 6)
}
