/** limiters that apps with different policies share forget nothing that any of them counts, in any order of calls. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Limit } from './acquire.ts'
import { type LimiterState, type Rule, waitMs, withHit, withHits, withoutHit } from './limiter-state.ts'
import {
  defaultAddressCap,
  defaultLimits,
  issueLimits,
  type LimitPolicy,
  submissionLimits,
  type Window,
} from './policy.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour
const start = 1_700_000_000_000

const window = fc.record({
  kind: fc.constant('window' as const),
  max: fc.integer({ min: 1, max: 6 }),
  perMs: fc.constantFrom(1000, minute, 10 * minute, hour, 3 * hour, day),
})
const distinct = window.map((rule) => ({ ...rule, kind: 'distinct' as const }))
const steps = fc.array(
  fc.record({
    app: fc.nat(3),
    tag: fc.integer({ min: 1, max: 9 }),
    afterMs: fc.oneof(fc.nat(500), fc.nat(2 * minute), fc.nat(2 * hour)),
  }),
  { minLength: 5, maxLength: 60 },
)
type Step = { readonly app: number; readonly tag: number; readonly afterMs: number }
type Counted = { readonly at: number; readonly tag: number; readonly app: number }

/** Calls of apps on one limiter. @returns All hits, each with the rules under which it was made. */
function play(
  form: 'events' | 'tags',
  apps: readonly (readonly Rule[])[],
  calls: readonly Step[],
  keepMs: number,
  forgets = false,
): Counted[] {
  let limiter: LimiterState = []
  let now = start
  const all: Counted[] = []
  for (const { app, tag, afterMs } of calls) {
    now += afterMs
    const rules = apps[app]!
    if (rules.some((rule) => waitMs(limiter, rule, now, tag) > 0)) continue
    // As it was: each app trims to what it asks for itself.
    const before = forgets ? limiter.slice(form === 'tags' ? 2 : 1) : limiter
    limiter = withHit(before, form, rules, now, tag, keepMs)
    all.push({ at: now, tag, app })
  }
  return all
}

/** How many count against a rule at a hit: of tags the different ones. */
function countIn(
  all: readonly Counted[],
  upTo: number,
  rule: { kind: string; perMs: number },
  from = 0,
): number {
  const { at } = all[upTo]!
  const within = all.slice(0, upTo + 1).filter((one) => one.at > at - rule.perMs && one.at >= from)
  return rule.kind === 'distinct' ? new Set(within.map((one) => one.tag)).size : within.length
}

/** A tag that counts already is none more. */
function isKnown(all: readonly Counted[], upTo: number, perMs: number): boolean {
  const { at, tag } = all[upTo]!
  return all.slice(0, upTo).some((one) => one.tag === tag && one.at > at - perMs)
}

/**
 * Since when a horizon has been known to the limiter without a break, up to a hit: from the first hit under it
 * after which none came so late that all before were forgotten.
 */
function knownSince(
  all: readonly Counted[],
  upTo: number,
  perMs: number,
  apps: readonly (readonly Rule[])[],
) {
  let since = all[upTo]!.at
  for (let i = upTo; i >= 0 && (i === upTo || all[i + 1]!.at - all[i]!.at < perMs); i--)
    if (apps[all[i]!.app]!.some((rule) => 'perMs' in rule && rule.perMs >= perMs)) since = all[i]!.at
  return since
}

for (const [form, rule] of [
  ['events', window],
  ['tags', distinct],
] as const) {
  const apps = fc.array(fc.array<Rule>(rule, { maxLength: 2 }), { minLength: 4, maxLength: 4 })

  test(`A-13: ${form}: no order of calls by apps of any policies admits more than each looks back for`, () => {
    fc.assert(
      fc.property(apps, steps, fc.constantFrom(0, hour, day), (policies, calls, keepMs) => {
        // Something must be kept for the limiter to be one.
        const all = play(form, policies, calls, Math.max(1, keepMs))
        for (const [i, { app }] of all.entries())
          for (const one of policies[app]!) {
            if (one.kind !== 'window' && one.kind !== 'distinct') continue
            if (one.kind === 'distinct' && isKnown(all, i, one.perMs)) continue
            const from = one.perMs <= keepMs ? 0 : knownSince(all, i, one.perMs, policies)
            assert.ok(countIn(all, i, one, from) <= one.max, `${one.max}/${one.perMs} at call ${i}`)
          }
      }),
      { numRuns: 5000 },
    )
  })

  test(`A-13: ${form}: the same check finds a limiter that is trimmed to the calling app's longest`, () => {
    const policies: Rule[][] = [
      [{ kind: form === 'tags' ? 'distinct' : 'window', max: 3, perMs: day }],
      [{ kind: form === 'tags' ? 'distinct' : 'window', max: 3, perMs: minute }],
    ]
    const calls = Array.from({ length: 20 }, (_, i) => ({ app: i % 2, tag: i, afterMs: minute }))
    const counts = (all: readonly Counted[]) =>
      all.filter(({ app }) => app === 0).length > 0 &&
      all.every(({ app }, i) => app === 1 || countIn(all, i, policies[0]![0] as never) <= 3)
    assert.equal(counts(play(form, policies, calls, 1)), true)
    assert.equal(counts(play(form, policies, calls, 1, true)), false)
  })
}

test('A-13: a limiter of before horizons were kept is read on', () => {
  const rule: Rule = { kind: 'window', max: 3, perMs: hour }
  const old = [start, start + 1, start + 2]
  assert.equal(waitMs(old, rule, start + 10, 0), hour - 10)
  assert.deepEqual(withHit(old, 'events', [{ ...rule, max: 9 }], start + 10, 0), [-hour, ...old, start + 10])
  const tags = [start, 7, start + 1, 8]
  const apart: Rule = { kind: 'distinct', max: 2, perMs: hour }
  assert.ok(waitMs(tags, apart, start + 10, 9) > 0)
  assert.deepEqual(withHit(tags, 'tags', [apart], start + 10, 7), [-hour, 300, start + 1, 8, start + 10, 7])
  assert.deepEqual(withoutHit([-hour, start], 'events', start), [], 'nothing is left but a horizon')
})

test('A-13: a window of thousands never holds more than its most, and refuses no more than a slot too long', () => {
  const calls = fc.array(fc.oneof(fc.nat(3), fc.nat(200), fc.nat(2000)), { minLength: 2000, maxLength: 4000 })
  fc.assert(
    fc.property(calls, fc.constantFrom(400, 1000), (gaps, max) => {
      const rules: Rule[] = [{ kind: 'window', max, perMs: hour }]
      const other: Rule[] = [{ kind: 'window', max: 100_000, perMs: minute }]
      const slot = hour / 60
      let limiter: LimiterState = []
      let now = start
      const all: number[] = []
      for (const [i, gap] of gaps.entries()) {
        now += gap
        const mine = i % 3 === 0 ? other : rules
        const count = (perMs: number) => all.filter((at) => at > now - perMs).length
        if (mine === rules && i % 16 === 1) {
          const isFree = waitMs(limiter, rules[0]!, now, 0) <= 0
          if (isFree) assert.ok(count(hour) < max)
          else assert.ok(count(hour + slot) >= max)
        }
        if (mine.some((rule) => waitMs(limiter, rule, now, 0) > 0)) continue
        limiter = withHit(limiter, 'events', mine, now, 0)
        all.push(now)
        assert.ok(limiter.length <= 602)
      }
    }),
    { numRuns: 10 },
  )
})

test('A-13: a member who asks for thousands of addresses is remembered in a few numbers', () => {
  let limiter: LimiterState = []
  const strict: Rule = { kind: 'distinct', max: 5, perMs: day }
  for (let i = 0; i < 5000; i++) {
    limiter = withHit(limiter, 'tags', [], start + i, i + 1, day)
    assert.ok(limiter.length <= 602)
  }
  const now = start + 5000
  assert.equal(waitMs(limiter, strict, now, 9_999), day - 5, 'the wait is for the fifth newest')
  assert.equal(waitMs(limiter, strict, now, 5000), 0, 'who counts already is none more')
  const wide: Rule = { kind: 'distinct', max: 1000, perMs: day }
  limiter = withHit(limiter, 'tags', [wide], now, 6000, day)
  for (let i = 0; i < 3000; i++) limiter = withHit(limiter, 'tags', [], now + i, i + 7000, day)
  assert.ok(waitMs(limiter, wide, now + 3000, 1) > 0, 'apps without a limit keep what a wide one counts')
})

test('A-13: whoever waits as long as told may ask for one more address, whatever other apps allowed', () => {
  const apps = fc.array(fc.array<Rule>(distinct, { maxLength: 1 }), { minLength: 4, maxLength: 4 })
  fc.assert(
    fc.property(apps, steps, (policies, calls) => {
      let limiter: LimiterState = []
      let now = start
      for (const { app, tag, afterMs } of calls) {
        now += afterMs
        const wait = Math.max(0, ...policies[app]!.map((rule) => waitMs(limiter, rule, now, tag)))
        const then = now + wait
        assert.ok(policies[app]!.every((rule) => waitMs(limiter, rule, then, tag) === 0))
        if (wait === 0) limiter = withHit(limiter, 'tags', policies[app]!, now, tag, day)
      }
    }),
    { numRuns: 2000 },
  )
})

test('A-13: the newest of many are given back one by one', () => {
  let limiter: LimiterState = []
  const rules: Rule[] = [{ kind: 'window', max: 5000, perMs: hour }]
  for (let i = 0; i < 2000; i++) limiter = withHit(limiter, 'events', rules, start + i * 10, 0)
  const most: Rule = { kind: 'window', max: 1701, perMs: hour }
  assert.ok(waitMs(limiter, most, start + 20_000, 0) > 0)
  for (let i = 1999; i >= 1700; i--) limiter = withoutHit(limiter, 'events', start + i * 10)
  assert.equal(waitMs(limiter, most, start + 20_000, 0), 0)
  assert.ok(waitMs(limiter, { ...most, max: 1700 }, start + 20_000, 0) > 0)
})

test('A-13: every app takes from every limiter that another may look at, whatever its own limits', () => {
  const none: LimitPolicy = {
    issues: {
      address: { gapsMs: [], windows: [] },
      holder: [],
      memberAddress: [],
      member: [],
      memberAddresses: [],
      network: [],
      app: defaultLimits.issues.app,
    },
    submissions: { memberAddress: [] },
    wrong: { address: [], memberAddress: [], member: [], network: [] },
  }
  const longest = (rules: Limit['rules']) =>
    Math.max(0, ...rules.map((rule) => ('perMs' in rule ? rule.perMs : 0)))
  const long: Window = { max: 5000, perMs: 60 * day }
  const wide: LimitPolicy = { ...none, wrong: { ...none.wrong, address: [long], network: [long] } }
  for (const isHolder of [true, false]) {
    const subject = { tenant: 't', app: 'a', subject: 'm', limiterKey: 'tel:+1', network: 'n', isHolder }
    const limitsOf = (policy: LimitPolicy) => {
      const { counted, wrong } = submissionLimits(subject, policy)
      return [...issueLimits(subject, policy, defaultAddressCap), ...counted, ...wrong]
    }
    const hit = ({ key, form, looksOnly }: Limit) => !looksOnly && form !== 'bucket' && key
    const own = limitsOf(none)
    assert.deepEqual(own.map(hit), limitsOf(defaultLimits).map(hit))
    // What the default policy looks back is kept, and what the own policy does, wherever it looks.
    for (const policy of [defaultLimits, wide])
      for (const looking of limitsOf(policy)) {
        const made = limitsOf(policy === wide ? wide : none).find(
          ({ key, looksOnly }) => key === looking.key && !looksOnly,
        )!
        if (looking.form === 'bucket') continue
        assert.ok(Math.max(made.keepMs ?? 0, longest(made.rules)) >= longest(looking.rules), looking.key)
      }
  }
})

test('what is reserved counts beside what is taken, in its place among those put together', () => {
  const rules: Rule[] = [{ kind: 'window', max: 5000, perMs: hour }]
  let limiter: LimiterState = []
  for (let i = 0; i < 1000; i++) limiter = withHit(limiter, 'events', rules, start + i * 1000, 0)
  const both = withHits(limiter, [start + 999_500, start + 30_500, start + 2_000_000])
  const most = (max: number): Rule => ({ kind: 'window', max, perMs: hour })
  assert.ok(waitMs(both, most(1003), start + 2_000_000, 0) > 0)
  assert.equal(waitMs(both, most(1004), start + 2_000_000, 0), 0)
  assert.equal(both.at(-1), start + 2_000_000)
  assert.deepEqual(both.slice(-4, -1), [start + 998_000, start + 999_000, start + 999_500])
  assert.deepEqual(withHits([-hour, start, -3, start + 9], [start - 1, start + 4]), [
    -hour,
    start - 1,
    start,
    -3,
    start + 4,
    start + 9,
  ])
  assert.deepEqual(withHits([], [start]), [start])
})
