/** Issues a verification and queues its message; while one is live, only queues its message again. */

import type { Limit } from '../../throttle/acquire.ts'
import { gapMsOf } from '../../throttle/gap.ts'
import { acquire, keysOf } from '../../throttle/open-limiters.ts'
import { asCallersSee, type StoredVerification } from '../../verification/stored-verification.ts'
import type { UnitOfWork, Verb } from '../unit-of-work.ts'
import type { IssueRequest, IssueResult } from '../verifications.ts'
import { aliveOf, enterable } from './alive.ts'
import { once } from './once.ts'
import { tellCreated } from './tell.ts'

const issueAlways: Verb<[IssueRequest], IssueResult> = {
  needs(needs, { limits, key }) {
    needs.limiters(keysOf(limits))
    needs.live(key)
  },

  decide(unit, request) {
    const { now } = unit
    const { key, limits, keepsLive, message, lease, maxSubmissions } = request
    const find = () => enterable(unit, aliveOf(unit, key), maxSubmissions)
    const known = keepsLive && find()
    if (known && now - known.issuedAt < keepsLive.quietMs) return kept(known, now, null)
    const throttled = acquire(unit.limiters, limits, now)
    if (throttled)
      return known && throttled.rule === 'gaps' ? kept(known, now, throttled.retryAfterMs) : throttled
    const alive = known ?? find()
    const stored = alive ?? added(unit, newVerification(request, now))
    const record = asCallersSee(stored)
    const entry = message && unit.outbox.put(message, lease, record)
    return {
      kind: alive ? 'live' : 'issued',
      record,
      now,
      ...(keepsLive && { sendAfterMs: sendAfterMsOf(unit, limits) }),
      ...(entry && { entry }),
    }
  },
}

export const issue = once(
  issueAlways,
  (result) => {
    if (result.kind === 'throttled' || result.kind === 'mismatch') return undefined
    if (result.kind === 'kept') return result
    const { entry: _entry, ...kept } = result
    return kept
  },
  { kind: 'mismatch' },
)

/** Until a gap of the limits, which have just got their hits, allows the next message. */
export function sendAfterMsOf({ limiters, now }: UnitOfWork, limits: readonly Limit[]): number {
  return gapMsOf(limits, (key) => limiters.read(key), now)
}

function kept(record: StoredVerification, now: number, retryAfterMs: number | null): IssueResult {
  return { kind: 'kept', record: asCallersSee(record), now, retryAfterMs }
}

function added(unit: UnitOfWork, record: StoredVerification): StoredVerification {
  unit.verifications.add(record)
  tellCreated(unit, record)
  return record
}

/** @param now  Engine time of the issue, ms. */
export function newVerification(request: IssueRequest, now: number): StoredVerification {
  const { id, key, keyId, digits, lifetimeMs, isTest, details = null, isHeld = false } = request
  const { tenant, app, subject, address, purpose } = key
  return {
    id,
    tenant,
    app,
    subject,
    address,
    purpose,
    keyId,
    digits,
    state: isHeld ? 'held' : 'live',
    issuedAt: now,
    expiresAt: now + lifetimeMs,
    submissions: 0,
    usedAt: null,
    isTest,
    details,
  }
}
