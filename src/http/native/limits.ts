/** Limits as callers see them: their public names, and the fields of answers that tell of an app's (RateLimit, draft 10). */

import type { FastifyReply } from 'fastify'
import type { AppPolicy } from '../../flows/policy.ts'
import type { StartOutcome } from '../../flows/start-verification.ts'
import { onceForEach } from '../../once-for-each.ts'
import { type Problem, secondsOf } from './problems.ts'

type Throttled = Extract<StartOutcome, { kind: 'throttled' }>

/**
 * The names of scopes. A caller's own word for a person is a subject, who is a member on the wire of members.
 * tenant-wide and installation-wide limits of an address have one name.
 */
export const publicScopes: Readonly<Record<Throttled['scope'], string>> = {
  address: 'to',
  'address-total': 'to',
  'member-address': 'subject-to',
  member: 'subject',
  'member-addresses': 'subject-tos',
  network: 'network',
  app: 'app',
  'app-day': 'app-day',
  password: 'password',
}

export function throttledProblem({ scope, retryAfterMs }: Throttled): Problem {
  const limit = publicScopes[scope]
  const seconds = secondsOf(retryAfterMs)
  return {
    problem: 'rate-limited',
    detail: `The limit "${limit}" allows it again in ${seconds} s.`,
    members: { limit },
    retryAfterMs,
    ...((scope === 'app' || scope === 'app-day') && {
      headers: { ratelimit: `"${limit}";r=0;t=${seconds}` },
    }),
  }
}

type AppLimits = AppPolicy['limits']['issues']['app']

/** The text is made once for each policy, because every answer has it. */
const policyTexts = onceForEach((app: AppLimits) => {
  const { perSecond, burst, perDay } = app
  // A bucket that holds so many is full again after this time.
  const fullAfterS = Math.max(1, Math.ceil(burst / perSecond))
  return {
    text: `"app";q=${burst};w=${fullAfterS}${perDay === null ? '' : `, "app-day";q=${perDay};w=86400`}`,
  }
})

export function tellLimits(reply: FastifyReply, { limits }: AppPolicy): void {
  reply.header('ratelimit-policy', policyTexts(limits.issues.app).text)
}
