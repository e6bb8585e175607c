/** A request for a code: decides whether one may be sent, commits it, and hands its message over. */

import { addressKey } from '../address/address.ts'
import { reached } from '../delivery/crash-points.ts'
import { regionOf } from '../message/destination.ts'
import { type NewMessage, newMessageId } from '../message/message.ts'
import { onceForEach } from '../once-for-each.ts'
import type { Limit, Throttled } from '../throttle/acquire.ts'
import { issueLimits, type LimitPolicy } from '../throttle/policy.ts'
import { newVerificationId } from '../verification/verification.ts'
import { allowsDestination } from './policy.ts'
import type { Services } from './services.ts'
import { actOf, type MemberAct, throttleSubject, verificationKey } from './subject.ts'

export type RequestOutcome =
  /** Committed: it reaches a provider while its code lives, or its failure is recorded. */
  | { readonly kind: 'sent' }
  /** The country is not allowed or no provider serves the channel. */
  | { readonly kind: 'unreachable' }
  | Throttled

/**
 * Issues a verification and queues its message; while one is live, queues its message again.
 * Neither the outcome nor its time shows whether the address belongs to anyone.
 * @param act.address  Parsed, see `parseAddress`.
 * @param locale  The language of the message, one of the shipped ones.
 * @throws AppError `store.unavailable`; then nothing was issued that the caller may count on.
 */
export async function requestCode(
  services: Services,
  memberAct: MemberAct,
  locale: string,
): Promise<RequestOutcome> {
  const act = actOf(memberAct)
  const { address, tenant, app } = act
  const policy = services.policyOf(app)
  const channel = address.kind === 'phone' ? 'sms' : 'email'
  const count = (outcome: string) => services.metrics.issues.inc({ channel, outcome })
  const destination = {
    channel,
    region: regionOf(address),
    tenant,
    app: app.id,
  } as const
  if (!allowsDestination(policy, destination) || !services.serves(destination)) {
    count('unreachable')
    services.recordRefusal(act, { act: 'send', reason: 'unreachable' })
    return { kind: 'unreachable' }
  }
  const now = services.clock.now()
  const isTest = services.testCodeOf(addressKey(address), now) !== undefined
  const limits = services.hasLimits
    ? issueLimits(throttleSubject(act), limitsFor(policy.limits, isTest), services.addressCap)
    : []
  const lifetimeMs = policy.lifetimeMs[channel]
  const message: NewMessage | undefined = isTest
    ? undefined
    : {
        id: newMessageId(now),
        tenant,
        app: app.id,
        channel,
        to: address,
        locale,
        template: 'code',
        values: {},
        lifetimeMs,
        // Refunded if no carrier took the message: hits in limits of this address, not in those of the caller.
        cooldown: limits.filter((limit) => isOfAddress(limit)).map((limit) => limit.key),
      }
  const key = verificationKey(act)
  const result = await services.store.verifications.issue({
    id: newVerificationId(now, key.address),
    key,
    keyId: services.ring.newest.id,
    digits: policy.digits,
    lifetimeMs,
    isTest,
    limits,
    lease: services.lease,
    ...(message && { message }),
  })
  count(result.kind)
  if (result.kind === 'throttled') {
    services.metrics.throttled.inc({ act: 'issue', scope: result.scope })
    services.recordRefusal(act, { act: 'send', reason: 'throttled', limit: result })
    return result
  }
  if (result.entry) {
    reached('after-commit', result.entry.message.id)
    services.handOver(result.entry)
  }
  return { kind: 'sent' }
}

/** A test address has no gaps, because no message is sent to it. */
function limitsFor(limits: LimitPolicy, isTest: boolean): LimitPolicy {
  return isTest ? withoutGaps(limits) : limits
}

const withoutGaps = onceForEach((limits: LimitPolicy): LimitPolicy => {
  const { issues } = limits
  return { ...limits, issues: { ...issues, address: { ...issues.address, gapsMs: [] } } }
})

function isOfAddress({ scope, looksOnly }: Limit): boolean {
  return !looksOnly && (scope === 'address' || scope === 'address-total' || scope === 'member-address')
}
