/** The pure decision "one more?": which limiters an act acquires from, and when to come back. */

import {
  forgottenAt,
  type LimiterForm,
  type LimiterState,
  type Rule,
  waitMs,
  withHit,
  withoutHit,
} from './limiter-state.ts'

/** Whose limit it is. Appears in metrics and refusals, so these names are public. */
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
  /** The limiter's key: unlike for every different subject, act and scope. Holds no plain address. */
  readonly key: string
  readonly form: LimiterForm
  readonly rules: readonly Rule[]
  /** For `distinct` rules: a number standing for what is taken, see `tagOf`. */
  readonly tag?: number
  /** How far others who take from it may look back, whatever these rules say: hits are kept so long at least. */
  readonly keepMs?: number
  /** Its rules refuse, but nothing is taken. */
  readonly looksOnly?: true
  /**
   * Of a submission: taken only from who has a live verification; from others in its place out of this limiter,
   * which nobody looks at, so that either costs the same.
   */
  readonly decoyKey?: string
}

/** One hit that was made, by which it can be refunded. `at`: engine time in ms, of the limiter's own engine. */
export type Hit = Pick<Limit, 'key' | 'form'> & { readonly at: number }

/** A refusal: the limit with the longest wait, its kind, and milliseconds until one more is allowed. */
export type Throttled = {
  readonly kind: 'throttled'
  readonly scope: Scope
  readonly rule: Rule['kind']
  readonly retryAfterMs: number
  /** Every scope that refused; what follows from a refusal may hang on another than the longest. */
  readonly scopes: readonly Scope[]
}

/**
 * The limiters after the hit, in the order of the limits, each with the time it may be dropped; undefined for one
 * that was only looked at.
 */
export type Acquired = {
  readonly kind: 'acquired'
  readonly limiters: readonly ({ limiter: LimiterState; forgottenAt: number } | undefined)[]
}

/**
 * Decides over all limits together: either each gets one more, or none does. Pure; an engine reads
 * the limiters, calls this and writes the result within one atomic step.
 * @param limiters  In the order of the limits; undefined where there is none yet.
 * @returns On refusal the longest wait of all refusing rules, so that one wait is enough.
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
  return {
    kind: 'acquired',
    limiters: limits.map((limit, i) => {
      if (limit.looksOnly) return undefined
      const limiter = withHit(limiters[i] ?? [], limit.form, limit.rules, now, limit.tag ?? 0, limit.keepMs)
      return { limiter, forgottenAt: forgottenAt(limiter, limit.form, limit.rules) }
    }),
  }
}

/** The hits of limits that were all made at one time. */
export function hitsOf(limits: readonly Limit[], at: number): readonly Hit[] {
  return limits.filter((limit) => !limit.looksOnly).map(({ key, form }) => ({ key, form, at }))
}

/** The limits of a submission, now that it is known whether its member has a live verification. */
export function limitsWith(limits: readonly Limit[], hasLive: boolean): Limit[] {
  return limits.map(({ decoyKey, ...limit }) =>
    decoyKey === undefined || hasLive ? limit : { ...limit, key: decoyKey },
  )
}

/** Refunds one hit: it did not count after all. */
export function refund({ form, at }: Hit, limiter: LimiterState): LimiterState {
  return withoutHit(limiter, form, at)
}

/** A number of 48 bits standing for a text in a `distinct` rule. */
export function tagOf(digest: Uint8Array): number {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).readUIntBE(0, 6)
}
