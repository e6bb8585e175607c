/** What a start would do, without doing it: nothing is sent, stored or counted. */

import { alphabets } from '../code/derive-code.ts'
import type { Channel } from '../message/channel.ts'
import { newMessageId } from '../message/message.ts'
import { decideAcquire, type Throttled } from '../throttle/acquire.ts'
import type { ApiCaller } from './api-caller.ts'
import { audienceFault } from './audience.ts'
import { destinationOfCode } from './code-message.ts'
import { isReachable, limitsOfIssue } from './issue-code.ts'
import type { Services } from './services.ts'
import { faultOf, type StartFault, type StartRequest } from './start-request.ts'
import { ownChoice, templateFault, unservedStep, wishOf } from './start-verification.ts'

export type DryRunOutcome =
  | {
      readonly kind: 'dry-run'
      readonly channel: string
      readonly locale: string
      readonly localesTried: readonly string[]
      /** Carriers in the order of the route, with their cost of one message, in the unit of the settings. */
      readonly route: { readonly name: string; readonly carriers: readonly { name: string; cost: number }[] }
      /** The message, with a code that is none. */
      readonly text: string
      readonly mailSubject: string | undefined
      /** What the guard would decide. */
      readonly risk: 'allow' | 'challenge' | 'refuse'
      /** The limit that would refuse it now: of the caller's own, none of the address. */
      readonly throttled: Throttled | undefined
      readonly isTest: boolean
    }
  | { readonly kind: 'unreachable' }
  | StartFault

/** @throws AppError `store.unavailable`, Error if an operator's template fails. */
export async function dryRun(
  services: Services,
  caller: ApiCaller,
  request: StartRequest,
): Promise<DryRunOutcome> {
  const { code = {}, testRisk = 'allow', challenge } = request
  const policy = services.policyOf(caller.app)
  const { act, details, lifetimeMs } = wishOf(services, caller, request)
  const fault =
    faultOf(caller, request, lifetimeMs, policy) ??
    unservedStep(services, act, details) ??
    templateFault(services, request, details.locale) ??
    (await audienceFault(services, caller, request.audience))
  if (fault) return fault
  const { tenant, address: to } = act
  const channel = details.channel as Channel
  const { locale, localesTried = [] } = details
  const message = { tenant, app: act.app.id, to, channel, isSandboxed: caller.isTest }
  const route = services.routeFor(destinationOfCode(message))
  if (!route || !isReachable(services, act, message)) return { kind: 'unreachable' }
  const now = services.clock.now()
  const { limits: all, isTest } = limitsOfIssue(services, act, now, details.plan?.length)
  // What others did to the address is not this caller's to know, and asking costs nothing.
  const limits = all.filter(({ scope }) => !scope.startsWith('address'))
  const seen = await services.store.verifications.look(limits.map(({ key }) => key))
  const decision = decideAcquire(limits, seen.states, seen.now)
  const length = code.value?.length ?? code.length ?? policy.digits
  const sample = alphabets[code.alphabet ?? 'digits'].slice(1, length + 1).padEnd(length, '0')
  const values = { code: sample, lifetimeMs: String(lifetimeMs) }
  const { text, subject: mailSubject } = services.render(
    'code',
    channel,
    locale,
    newMessageId(now),
    values,
    ownChoice(services, request),
  )
  const risk = testRisk === 'challenge' && challenge === 'none' ? 'refuse' : testRisk
  const throttled = decision.kind === 'throttled' ? decision : undefined
  return {
    kind: 'dry-run',
    channel,
    locale,
    localesTried,
    route,
    text,
    mailSubject,
    risk,
    throttled,
    isTest: isTest || caller.isTest,
  }
}
