/** Acquires and refunds in limiters within an atomic step of an engine. */

import { decideAcquire, decoyKeyOf, type Hit, type Limit, refund, type Throttled } from './acquire.ts'
import type { LimiterForm, LimiterState } from './limiter-state.ts'

/** Limiters within such a step. A limiter that becomes empty is dropped. */
export type OpenLimiters = {
  read(key: string): LimiterState | undefined
  /** When the limiter may be forgotten, in ms of engine time; undefined if there is none. */
  forgottenAt(key: string): number | undefined
  put(key: string, form: LimiterForm, state: LimiterState, forgottenAt: number): void
}

/** Makes a hit in each limiter, or in none. @returns The refusal, if there was one. */
export function acquire(open: OpenLimiters, limits: readonly Limit[], now: number): Throttled | undefined {
  const decision = decideAcquire(
    limits,
    limits.map((limit) => open.read(limit.key)),
    now,
  )
  if (decision.kind === 'throttled') return decision
  for (let i = 0; i < limits.length; i++) {
    const next = decision.limiters[i]
    const { key, form } = limits[i]!
    if (next) open.put(key, form, next.limiter, next.forgottenAt)
  }
  return undefined
}

/** Refunds hits, because they did not count after all. A hit that was forgotten meanwhile is skipped. */
export function refundAll(open: OpenLimiters, hits: readonly Hit[]): void {
  for (const hit of hits) {
    const state = open.read(hit.key)
    if (state) open.put(hit.key, hit.form, refund(hit, state), open.forgottenAt(hit.key)!)
  }
}

/**
 * The keys of limiters that limits may read: also decoys, because only the verification shows which one is needed.
 * @param id  The verification that a submission names.
 */
export function keysOf(limits: readonly Pick<Limit, 'key' | 'decoyKey'>[], id?: string): string[] {
  return limits.flatMap((limit) => {
    const decoyKey = decoyKeyOf(limit, id)
    return decoyKey === undefined ? limit.key : [limit.key, decoyKey]
  })
}
