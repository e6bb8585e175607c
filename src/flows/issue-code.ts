/** Issues a code for any act: decides whether one may be sent, commits it, and hands its message over. */

import { addressKey } from '../address/address.ts'
import { reached } from '../delivery/crash-points.ts'
import type { Channel } from '../message/channel.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import { onceForEach } from '../once-for-each.ts'
import type { Once } from '../store/once.ts'
import type { IssueResult } from '../store/verifications.ts'
import type { Limit, Throttled } from '../throttle/acquire.ts'
import { limitsOfReset, limitsOfUndo } from '../throttle/limits-without-login.ts'
import { issueLimits, type LimitPolicy, type ThrottleSubject, timesOf } from '../throttle/policy.ts'
import type { VerificationDetails } from '../verification/details.ts'
import { isTestSubject } from '../verification/subject.ts'
import { newVerificationId } from '../verification/verification.ts'
import { codeMessage, destinationOfCode } from './code-message.ts'
import { allowsDestination } from './policy.ts'
import type { Services } from './services.ts'
import { type Act, limitsInWorld, throttleSubject, verificationKey } from './subject.ts'

/** The form of the code and of its message. */
export type CodeWish = {
  readonly channel: Channel
  /** The language of the message, one of the shipped ones. */
  readonly locale: string
  /** 6 to 10. */
  readonly digits: number
  /** At most `maxLifetimeMs`. Of a held one: until its challenge must be solved. */
  readonly lifetimeMs: number
  /** Absent for the wire of members. */
  readonly details?: VerificationDetails
  readonly once?: Once | undefined
  /** See `IssueRequest`. */
  readonly keepsLive?: { readonly quietMs: number }
  readonly isHeld?: boolean
  /** Nothing is sent, so that nobody has the code. */
  readonly isSilent?: boolean
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
  const {
    channel,
    locale,
    digits,
    lifetimeMs,
    details,
    once,
    keepsLive,
    isHeld = false,
    isSilent = false,
  } = wish
  const count = (outcome: string) => services.metrics.issues.inc({ channel, outcome })
  const isSandboxed = details?.byTestKey ?? false
  const beginsPlan = details?.plan !== undefined
  const message = { tenant, app: app.id, to: address, channel, locale, lifetimeMs, isSandboxed, beginsPlan }
  if (!isSilent && !isReachable(services, act, message)) {
    count('unreachable')
    services.recordRefusal(act, { act: 'send', reason: 'unreachable' })
    return { kind: 'unreachable' }
  }
  const now = services.clock.now()
  const { limits, isTest } = limitsOfIssue(services, act, now, details?.plan?.length)
  const key = verificationKey(act)
  const result = await services.store.verifications.issue({
    id: newVerificationId(now, key.address),
    key,
    keyId: services.ring.newest.id,
    digits,
    lifetimeMs,
    isTest,
    maxSubmissions: services.policyOf(app).maxSubmissions,
    ...(details && { details }),
    ...(once && { once }),
    ...(keepsLive && { keepsLive }),
    limits,
    lease: services.lease,
    ...(isHeld ? { isHeld } : !isTest && !isSilent && { message: codeMessage(message, limits, now) }),
  })
  if (!('replayed' in result)) count(result.kind)
  if (result.kind === 'throttled') recordThrottled(services, act, result)
  else if ('entry' in result) handOver(services, result.entry)
  return result
}

/** Whether the app may send there, and a carrier serves it. */
export function isReachable(
  services: Pick<Services, 'policyOf' | 'serves'>,
  { app }: Pick<Act, 'app'>,
  message: Parameters<typeof destinationOfCode>[0],
): boolean {
  const destination = destinationOfCode(message)
  return allowsDestination(services.policyOf(app), destination) && services.serves(destination)
}

/**
 * The limits of one more issue, and whether it goes to a test address, to which nothing is sent.
 * @param messages  How many it may send: the steps of its plan.
 */
export function limitsOfIssue(
  services: Services,
  act: Act,
  now: number,
  messages = 1,
): { readonly limits: readonly Limit[]; readonly isTest: boolean } {
  const isTest = services.testCodeOf(addressKey(act.address), now) !== undefined
  if (!services.hasLimits) return { limits: [], isTest }
  const policy = limitsFor(services.policyOf(act.app).limits, isTest)
  const limits = limitsByPurpose(throttleSubject(act), act.purpose, policy, services.addressCap)
  return { limits: limitsInWorld(timesOf(limits, messages), isTestSubject(act.subject)), isTest }
}

function limitsByPurpose(
  subject: ThrottleSubject,
  purpose: string,
  policy: LimitPolicy,
  cap: Services['addressCap'],
): Limit[] {
  switch (purpose) {
    case 'undo-change':
      return limitsOfUndo(subject, policy)
    case 'reset-password':
      return limitsOfReset(subject, policy)
    default:
      return issueLimits(subject, policy, cap)
  }
}

export function recordThrottled(services: Services, act: Act, limit: Throttled): void {
  services.metrics.throttled.inc({ act: 'issue', scope: limit.scope })
  services.recordRefusal(act, { act: 'send', reason: 'throttled', limit })
}

/** Gives a message to delivery, now that it is committed. */
export function handOver(services: Services, entry: OutboxEntry | undefined): void {
  if (!entry) return
  reached('after-commit', entry.message.id)
  services.handOver(entry)
}

/** A test address has no gaps, because no message is sent to it. */
function limitsFor(limits: LimitPolicy, isTest: boolean): LimitPolicy {
  return isTest ? withoutGaps(limits) : limits
}

const withoutGaps = onceForEach((limits: LimitPolicy): LimitPolicy => {
  const { issues } = limits
  return { ...limits, issues: { ...issues, address: { ...issues.address, gapsMs: [] } } }
})
