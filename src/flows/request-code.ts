/** A member's request for a code, for one of the member's contacts or for a new one. */

import type { Throttled } from '../throttle/acquire.ts'
import { issueCode } from './issue-code.ts'
import type { Services } from './services.ts'
import { actOf, type MemberAct } from './subject.ts'

export type RequestOutcome =
  /** Committed: it reaches a provider while its code lives, or its failure is recorded. */
  | { readonly kind: 'sent' }
  /** The country is not allowed or no provider serves the channel. */
  | { readonly kind: 'unreachable' }
  | Throttled

/**
 * Issues a code, or queues the message of the live one again, see `issueCode`.
 * @param memberAct.address  Parsed, see `parseAddress`.
 * @param locale  The language of the message, one of the shipped ones.
 * @throws AppError `store.unavailable`; then nothing was issued that the caller may count on.
 */
export async function requestCode(
  services: Services,
  memberAct: MemberAct,
  locale: string,
): Promise<RequestOutcome> {
  const act = actOf(memberAct)
  const policy = services.policyOf(act.app)
  const channel = act.address.kind === 'phone' ? 'sms' : 'email'
  const { digits, lifetimeMs } = policy
  const outcome = await issueCode(services, act, { channel, locale, digits, lifetimeMs: lifetimeMs[channel] })
  return outcome.kind === 'throttled' || outcome.kind === 'unreachable' ? outcome : { kind: 'sent' }
}
