/** What limits still allow an app and a person, without counting anything. */

import type { Limit } from '../throttle/acquire.ts'
import { leftOf, type Rule, waitMs } from '../throttle/limiter-state.ts'
import { limitsOfApp, limitsOfSubject } from '../throttle/policy.ts'
import { subjectOfWord } from '../verification/subject.ts'
import type { ApiCaller } from './api-caller.ts'
import type { Services } from './services.ts'
import { limitsInWorld } from './subject.ts'

/** The limits that callers may ask about. None is of an address, which belongs to others. */
export type NamedLimit = 'app' | 'app-day' | 'subject' | 'subject-tos' | 'subject-wrong'

export type LimitLeft = {
  readonly limit: NamedLimit
  /** How many at most, in `windowMs`. */
  readonly quota: number
  readonly windowMs: number
  readonly left: number
  /** Until one more is allowed; 0: now. */
  readonly retryAfterMs: number
}

/** @param word  The caller's own word for a person; undefined: the app's limits alone. */
export async function limitsLeft(
  { store, policyOf, hasLimits }: Services,
  { app, tenant, isTest }: ApiCaller,
  word: string | undefined,
): Promise<readonly LimitLeft[]> {
  if (!hasLimits) return []
  const { limits: policy } = policyOf(app)
  const named: [NamedLimit, Limit][] = limitsInWorld(limitsOfApp(app.id, policy), isTest).map((limit) => [
    limit.scope === 'app-day' ? 'app-day' : 'app',
    limit,
  ])
  if (word !== undefined) {
    const { issues, addresses, wrong } = limitsOfSubject(
      { tenant, app: app.id, subject: subjectOfWord(word, isTest) },
      policy,
    )
    named.push(['subject', issues], ['subject-tos', addresses], ['subject-wrong', wrong])
  }
  const { now, states } = await store.verifications.look(named.map(([, { key }]) => key))
  return named.flatMap(([limit, { rules }], i) =>
    rules.map((rule) => ({
      limit,
      ...quotaOf(rule),
      left: leftOf(states[i]!, rule, now),
      retryAfterMs: leftOf(states[i]!, rule, now) > 0 ? 0 : waitMs(states[i]!, rule, now, noTag),
    })),
  )
}

/** Of no address. */
const noTag = -1

function quotaOf(rule: Rule): { quota: number; windowMs: number } {
  switch (rule.kind) {
    case 'window':
    case 'distinct':
    case 'tally':
      return { quota: rule.max, windowMs: rule.perMs }
    case 'bucket':
      // A bucket is full again after this time.
      return { quota: rule.burst, windowMs: Math.ceil((rule.burst * 1000) / rule.perSecond) }
    case 'gaps':
      return { quota: 1, windowMs: rule.perMs }
  }
}
