/** Issues a verification and queues its message; while one is live, only queues its message again. */

import { acquire, keysOf } from '../../throttle/open-limiters.ts'
import { asCallersSee, type StoredVerification } from '../../verification/stored-verification.ts'
import type { Verb } from '../unit-of-work.ts'
import type { IssueRequest, IssueResult } from '../verifications.ts'
import { aliveOf } from './alive.ts'

export const issue: Verb<[IssueRequest], IssueResult> = {
  needs(needs, { limits, key }) {
    needs.limiters(keysOf(limits))
    needs.live(key)
  },

  decide(unit, request) {
    const { now } = unit
    const throttled = acquire(unit.limiters, request.limits, now)
    if (throttled) return throttled
    const alive = aliveOf(unit, request.key)
    const stored = alive ?? newVerification(request, now)
    if (!alive) unit.verifications.add(stored)
    const record = asCallersSee(stored)
    const { message, lease } = request
    const entry = message && unit.outbox.put(message, lease, record)
    return { kind: alive ? 'live' : 'issued', record, ...(entry && { entry }) }
  },
}

/** @param now  Engine time of the issue, ms. */
export function newVerification(request: IssueRequest, now: number): StoredVerification {
  const { id, key, keyId, digits, lifetimeMs, isTest, details = null } = request
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
    state: 'live',
    issuedAt: now,
    expiresAt: now + lifetimeMs,
    submissions: 0,
    usedAt: null,
    isTest,
    details,
  }
}
