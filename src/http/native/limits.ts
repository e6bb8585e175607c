/** Limits as callers see them: their public names, and the fields of answers that tell of an app's (RateLimit, draft 10). */

import type { FastifyReply } from 'fastify'
import { apartFromAnswer } from '../../deadline.ts'
import { callerOf } from '../../flows/api-caller.ts'
import type { KeyHolder } from '../../flows/api-keys.ts'
import { type LimitLeft, limitsLeft } from '../../flows/limits-left.ts'
import type { AppPolicy } from '../../flows/policy.ts'
import type { Services } from '../../flows/services.ts'
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

/** How old the rest that is told of may be. It is a hint; the store decides. */
const staleMs = 1_000

export type TellLimits = (reply: FastifyReply, holder: KeyHolder) => void

/** Tells in each answer the limits of its app, and what was left of them within the last second or two. */
export function createTellLimits(services: Services): TellLimits {
  const known = new Map<string, { readonly text: string; readonly at: number }>()
  const asking = new Set<string>()

  async function ask(holder: KeyHolder): Promise<void> {
    const { id } = holder.app
    asking.add(id)
    try {
      const left = await limitsLeft(services, callerOf(holder), undefined)
      if (known.size >= maxKnown) known.clear()
      known.set(id, { text: left.map(restOf).join(', '), at: performance.now() })
    } catch {
      // The store is away, which the callers are told by their own calls.
    } finally {
      asking.delete(id)
    }
  }

  return (reply, holder) => {
    if (!services.hasLimits) return
    const { id } = holder.app
    reply.header('ratelimit-policy', policyTexts(services.policyOf(holder.app).limits.issues.app).text)
    const rest = known.get(id)
    const ageMs = rest === undefined ? Number.POSITIVE_INFINITY : performance.now() - rest.at
    if (ageMs > staleMs && !asking.has(id)) apartFromAnswer(() => void ask(holder))
    if (rest && ageMs <= 2 * staleMs) reply.header('ratelimit', rest.text)
  }
}

const maxKnown = 10_000

function restOf({ limit, left, retryAfterMs }: LimitLeft): string {
  return `"${limit}";r=${left}${left > 0 ? '' : `;t=${secondsOf(retryAfterMs)}`}`
}
