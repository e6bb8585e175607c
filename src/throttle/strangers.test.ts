/** A-9 as a model: holders and strangers ask for codes and enter them under the real policy. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decideAcquire, hitsOf, type Limit, limitsWith, refund } from './acquire.ts'
import type { LimiterState } from './limiter-state.ts'
import { defaultAddressCap, defaultLimits, issueLimits, submissionLimits } from './policy.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

type Caller = {
  readonly tenant: string
  readonly subject: string
  readonly network: string
  readonly isHolder: boolean
}
type Model = ReturnType<typeof model>

/** @param planted  The change of a submission's limits by a planted fault. */
function model(planted: (limits: Limit[]) => Limit[] = (limits) => limits) {
  const limiters = new Map<string, LimiterState>()
  const codes = new Map<string, { expiresAt: number; submissions: number }>()
  const messages: (Caller & { readonly at: number })[] = []
  const subjectOf = (caller: Caller) => ({ ...caller, app: `app-${caller.tenant}`, limiterKey: 'tel:+1' })

  function limit(limits: readonly Limit[], now: number) {
    const decision = decideAcquire(
      limits,
      limits.map(({ key }) => limiters.get(key)),
      now,
    )
    if (decision.kind === 'acquired')
      for (const [i, { key }] of limits.entries()) {
        const next = decision.limiters[i]
        if (next) limiters.set(key, next.limiter)
      }
    return decision
  }

  return {
    messages,
    ask(caller: Caller, now: number): boolean {
      const limits = issueLimits(subjectOf(caller), defaultLimits, defaultAddressCap)
      if (limit(limits, now).kind === 'throttled') return false
      messages.push({ ...caller, at: now })
      const key = `${caller.tenant} ${caller.subject}`
      const live = codes.get(key)
      if (!live || live.expiresAt <= now) codes.set(key, { expiresAt: now + minute, submissions: 0 })
      return true
    },
    enter(caller: Caller, isRight: boolean, now: number): 'right' | 'refused' | 'throttled' {
      const key = `${caller.tenant} ${caller.subject}`
      const found = codes.get(key)
      const live = found && found.expiresAt > now ? found : undefined
      const { counted, wrong } = submissionLimits(subjectOf(caller), defaultLimits)
      const limits = limitsWith(planted(wrong), live !== undefined)
      const decision = limit([...counted, ...limits], now)
      if (decision.kind === 'throttled') {
        if (decision.scopes.some((scope) => scope === 'member-address' || scope === 'member'))
          codes.delete(key)
        return 'throttled'
      }
      if (!live || ++live.submissions > 5 || !isRight) return 'refused'
      for (const hit of hitsOf(limits, now)) limiters.set(hit.key, refund(hit, limiters.get(hit.key)!))
      codes.delete(key)
      return 'right'
    },
  }
}

type Act = {
  readonly afterMs: number
  readonly who: 'holder' | 'pending' | number
  readonly tenant: string
  readonly network: string
  readonly isAsking: boolean
  readonly guesses: number
}

const acts = (strangers: number, tenants: number) =>
  fc.array(
    fc.record({
      afterMs: fc.oneof(fc.nat(5 * second), fc.nat(2 * minute), fc.nat(hour)),
      who: fc.oneof(
        { weight: 5, arbitrary: fc.nat(strangers - 1) },
        { weight: 2, arbitrary: fc.constantFrom('holder' as const, 'pending' as const) },
      ),
      tenant: fc.nat(tenants - 1).map((nth) => `t${nth}`),
      network: fc.nat(2).map((nth) => `n${nth}`),
      isAsking: fc.boolean(),
      guesses: fc.nat(8),
    }),
    { minLength: 10, maxLength: 40 },
  )

const own = { tenant: 't0', network: 'n0' } as const

/**
 * Plays a history. The holder and the pending member ask, and enter their code in the next act of theirs; strangers
 * ask and guess as they like.
 * @returns What the two got, each in order.
 */
function play(on: Model, history: readonly Act[], withStrangers: boolean) {
  const got = { holder: [] as string[], pending: [] as string[] }
  const sentAt = { holder: 0, pending: 0 }
  let now = 1_700_000_000_000
  for (const act of history) {
    now += act.afterMs
    if (act.who === 'holder' || act.who === 'pending') {
      const caller = { ...own, subject: act.who, isHolder: act.who === 'holder' }
      const isSent = sentAt[act.who] > now - minute
      if (isSent) got[act.who].push(on.enter(caller, true, now))
      else if (on.ask(caller, now)) got[act.who].push('sent')
      else got[act.who].push('not sent')
      sentAt[act.who] = !isSent && got[act.who].at(-1) === 'sent' ? now : 0
    } else if (withStrangers) {
      const caller = { tenant: act.tenant, network: act.network, subject: `s${act.who}`, isHolder: false }
      if (act.isAsking) on.ask(caller, now)
      for (let nth = 0; nth < act.guesses; nth++) on.enter(caller, false, now + nth)
    }
  }
  return got
}

function assertNobodyIsLockedOut(history: readonly Act[], on: () => Model): number {
  const [crowded, alone] = [on(), on()]
  const among = play(crowded, history, true)
  const quiet = play(alone, history, false)
  assert.deepEqual(among.holder, quiet.holder, 'whoever holds the address notices nothing of strangers')
  // A pending member may be refused a new code, for strangers together may use up what is for them; no code that
  // was sent.
  assert.ok(!among.pending.includes('refused') && !among.pending.includes('throttled'), `${among.pending}`)
  for (const { at } of crowded.messages) {
    const within = crowded.messages.filter((one) => one.at >= at && one.at < at + day)
    assert.ok(within.length <= 20, `${within.length} messages to the address in a day`)
    assert.ok(within.filter((one) => !one.isHolder).length <= 10)
    assert.ok(within.filter((one) => one.tenant === 't0').length <= 10)
  }
  return among.holder.filter((outcome) => outcome === 'right').length
}

test('A-9: whatever strangers do, the holder’s sends and right codes and a pending right code work', () => {
  let rights = 0
  fc.assert(
    fc.property(acts(12, 3), (history) => {
      rights += assertNobodyIsLockedOut(history, model)
    }),
    { numRuns: 10_000 },
  )
  assert.ok(rights > 1000, `only ${rights} codes of the holder were entered at all`)
})

test('A-9: the same check finds wrong codes that are counted against an address as a whole', () => {
  const addressWide = (limits: Limit[]) =>
    limits.map(({ decoyKey: _, ...limit }): Limit => {
      const isShared = limit.scope === 'address'
      return isShared ? { ...limit, rules: [{ kind: 'window', max: 30, perMs: day }] } : limit
    })
  assert.throws(() =>
    fc.assert(
      fc.property(acts(12, 1), (history) => {
        assertNobodyIsLockedOut(history, () => model(addressWide))
      }),
      { numRuns: 2000, seed: 7, endOnFailure: true },
    ),
  )
})

test('A-9: one stranger alone keeps nobody from asking for a code for an address that is not theirs yet', () => {
  fc.assert(
    fc.property(acts(1, 1), (history) => {
      // Within what two may have of the pool together: the first send of the other is never refused.
      const on = model()
      const among = play(on, history, true)
      const first = among.pending[0]
      assert.ok(first === undefined || first === 'sent')
    }),
    { numRuns: 500 },
  )
})

test('A-9: strangers learn from their refusals nothing of what the holder does', () => {
  fc.assert(
    fc.property(acts(4, 2), (history) => {
      const told = (withHolder: boolean) => {
        const on = model()
        let now = 1_700_000_000_000
        return history.flatMap((act) => {
          now += act.afterMs
          if (typeof act.who === 'string') {
            if (withHolder && on.ask({ ...own, subject: 'holder', isHolder: true }, now))
              on.enter({ ...own, subject: 'holder', isHolder: true }, act.isAsking, now + 1)
            return []
          }
          const caller = { tenant: act.tenant, network: 'elsewhere', subject: `s${act.who}`, isHolder: false }
          return [
            on.ask(caller, now),
            ...Array.from({ length: act.guesses }, () => on.enter(caller, false, now)),
          ]
        })
      }
      assert.deepEqual(told(true), told(false))
    }),
    { numRuns: 500 },
  )
})

test('guesses at an address are bounded by the codes that are sent for it, however many members guess', () => {
  const on = model()
  let guesses = 0
  const start = 1_700_000_000_000
  for (let now = start, i = 0; now < start + day; now += 7 * second, i++) {
    const caller = { tenant: 't0', network: `n${i % 50}`, subject: `m${i % 50}`, isHolder: false }
    on.ask(caller, now)
    for (let nth = 0; nth < 6; nth++) if (on.enter(caller, false, now + nth) !== 'throttled') guesses++
  }
  const codes = on.messages.length
  assert.ok(codes <= 6, `${codes} codes in a day`)
  assert.ok(guesses > 30, 'they do guess')
})
