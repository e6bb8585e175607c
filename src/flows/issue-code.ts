/** Issues a code for any act: decides whether one may be sent, commits it, and hands its message over. */

import { addressKey } from '../address/address.ts'
import { reached } from '../delivery/crash-points.ts'
import type { Channel } from '../message/channel.ts'
import { regionOf } from '../message/destination.ts'
import { type NewMessage, newMessageId } from '../message/message.ts'
import { onceForEach } from '../once-for-each.ts'
import type { Once } from '../store/once.ts'
import type { IssueResult } from '../store/verifications.ts'
import type { Limit } from '../throttle/acquire.ts'
import { issueLimits, type LimitPolicy } from '../throttle/policy.ts'
import type { VerificationDetails } from '../verification/details.ts'
import { newVerificationId } from '../verification/verification.ts'
import { allowsDestination } from './policy.ts'
import type { Services } from './services.ts'
import { type Act, throttleSubject, verificationKey } from './subject.ts'

/** The form of the code and of its message. */
export type CodeWish = {
  readonly channel: Channel
  /** The language of the message, one of the shipped ones. */
  readonly locale: string
  /** 6 to 10. */
  readonly digits: number
  /** At most `maxLifetimeMs`. */
  readonly lifetimeMs: number
  /** Absent for the wire of members. */
  readonly details?: VerificationDetails
  readonly once?: Once | undefined
  /** See `IssueRequest.keepsLive`. */
  readonly keepsLive?: { readonly quietMs: number }
}

export type IssueOutcome =
  | IssueResult
  /** The country is not allowed or no provider serves the channel. */
  | { readonly kind: 'unreachable' }

/**
 * Issues a verification and queues its message; while one is live, queues its message again.
 * Neither the outcome nor its time shows whether the address belongs to anyone.
 * @throws AppError `store.unavailable`; then nothing was issued that the caller may count on.
 */
export async function issueCode(services: Services, act: Act, wish: CodeWish): Promise<IssueOutcome> {
  const { address, tenant, app } = act
  const { channel, locale, digits, lifetimeMs, details, once, keepsLive } = wish
  const policy = services.policyOf(app)
  const count = (outcome: string) => services.metrics.issues.inc({ channel, outcome })
  const destination = { channel, region: regionOf(address), tenant, app: app.id } as const
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
    digits,
    lifetimeMs,
    isTest,
    ...(details && { details }),
    ...(once && { once }),
    ...(keepsLive && { keepsLive }),
    limits,
    lease: services.lease,
    ...(message && { message }),
  })
  if (!('replayed' in result)) count(result.kind)
  if (result.kind === 'throttled') {
    services.metrics.throttled.inc({ act: 'issue', scope: result.scope })
    services.recordRefusal(act, { act: 'send', reason: 'throttled', limit: result })
    return result
  }
  if ('entry' in result && result.entry) {
    reached('after-commit', result.entry.message.id)
    services.handOver(result.entry)
  }
  return result
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
