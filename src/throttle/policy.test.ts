import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { limiterKeyOf } from '../address/address.ts'
import { partitionOf, partitions } from '../address/partition.ts'
import { decideAcquire, hitsOf, type Limit, limitsWith, refund } from './acquire.ts'
import type { LimiterState } from './limiter-state.ts'
import {
  defaultAddressCap,
  defaultLimits,
  issueLimits,
  partitionOfLimiter,
  partitionOfSubject,
  submissionLimits,
  type ThrottleSubject,
} from './policy.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const subject: ThrottleSubject = {
  tenant: 't',
  app: 'a',
  subject: 'm',
  limiterKey: 'tel:+8613800138000',
  network: '192.0.2.1',
  isHolder: false,
}

/** Limiters kept as an engine keeps them. */
function keeper() {
  const kept = new Map<string, LimiterState>()
  return {
    acquire(limits: readonly Limit[], now: number) {
      const decision = decideAcquire(
        limits,
        limits.map((limit) => kept.get(limit.key)),
        now,
      )
      if (decision.kind === 'acquired')
        for (const [i, limit] of limits.entries()) {
          const next = decision.limiters[i]
          if (next) kept.set(limit.key, next.limiter)
        }
      return decision
    },
    refund(limits: readonly Limit[], at: number) {
      for (const hit of hitsOf(limits, at)) kept.set(hit.key, refund(hit, kept.get(hit.key) ?? []))
    },
    kept,
  }
}

test('N-5: with the default policy no 60 seconds hold more than five comparisons', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(40 * second), { maxLength: 60 }), (gaps) => {
      const limiters = keeper()
      const done: number[] = []
      let now = 1_700_000_000_000
      for (const gap of gaps) {
        now += gap
        const { counted, wrong } = submissionLimits(subject, defaultLimits)
        if (limiters.acquire(limitsWith([...counted, ...wrong], true), now).kind === 'acquired')
          done.push(now)
      }
      for (const start of done)
        assert.ok(done.filter((time) => time >= start && time < start + minute).length <= 5)
    }),
    { numRuns: 500 },
  )
})

test('a patient guesser is bounded by the days, not by the minutes alone', () => {
  const guess = (everyMs: number, forMs: number, members: number) => {
    const limiters = keeper()
    let wrongs = 0
    for (let now = 1_700_000_000_000, end = now + forMs, i = 0; now < end; now += everyMs, i++) {
      const { counted, wrong } = submissionLimits(
        { ...subject, subject: `m${i % members}`, network: undefined },
        defaultLimits,
      )
      if (limiters.acquire(limitsWith([...counted, ...wrong], true), now).kind === 'acquired') wrongs++
    }
    return wrongs
  }
  assert.equal(guess(13 * second, day, 1), 15, 'one member, one address, a day')
  assert.equal(guess(5 * minute, 30 * day, 1), 50, 'the same, thirty days')
  const asker = { ...subject, subject: 'new', network: undefined }
  const limiters = keeper()
  const guessed = { ...asker, subject: 'm' }
  for (let i = 0; i < 30; i++) {
    const { wrong } = submissionLimits({ ...guessed, subject: `m${i % 3}` }, defaultLimits)
    assert.equal(limiters.acquire(limitsWith(wrong, true), 1_700_000_000_000 + i).kind, 'acquired')
  }
  const decision = limiters.acquire(issueLimits(asker, defaultLimits, defaultAddressCap), 1_700_000_000_100)
  assert.ok(decision.kind === 'throttled' && decision.rule === 'window', 'no more codes to guess at that day')
  const holder = issueLimits({ ...asker, isHolder: true }, defaultLimits, defaultAddressCap)
  assert.equal(limiters.acquire(holder, 1_700_000_000_100).kind, 'acquired')
})

test('an honest person never meets a limit', () => {
  // Of 100 000 people, each asks for a code, up to three times more after waiting as long as the screen
  // shows (the given wait and a little more), and mistypes up to twice. Nobody else uses their address. A person waits as
  // long as shown, so a shown wait is no refusal; one that comes after such a wait is.
  let refused = 0
  let seed = 20_261_124
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
  const people = 100_000
  for (let person = 0; person < people; person++) {
    const limiters = keeper()
    const own = {
      ...subject,
      subject: `m${person}`,
      limiterKey: `tel:+86${13_000_000_000 + person}`,
      network: `n${person}`,
    }
    let now = 1_700_000_000_000 + random() * day
    let wasRefused = false
    const resends = Math.floor(random() * random() * 4)
    for (let i = 0; i <= resends; i++) {
      const limits = issueLimits(own, defaultLimits, defaultAddressCap)
      const first = limiters.acquire(limits, now)
      if (first.kind === 'throttled') {
        // The screen counts down the gap; any other limit would be met by surprise.
        if (first.rule !== 'gaps' && first.retryAfterMs > 10 * minute) wasRefused = true
        now += first.retryAfterMs
        if (limiters.acquire(limits, now).kind === 'throttled') wasRefused = true
      }
      now += 5 * second + random() * 50 * second
    }
    const typos = Math.floor(random() * 3)
    for (let i = 0; i <= typos; i++) {
      const { counted, wrong } = submissionLimits(own, defaultLimits)
      if (limiters.acquire([...counted, ...wrong], now).kind === 'throttled') wasRefused = true
      else if (i === typos) limiters.refund(wrong, now)
      now += 3 * second + random() * 10 * second
    }
    if (wasRefused) refused++
  }
  assert.ok(refused / people < 0.001, `${refused} of ${people} were refused`)
})

test('the default policy is the documented one', () => {
  const windows = (all: readonly { max: number; perMs: number }[]) =>
    all.map(({ max, perMs }) => [max, perMs])
  const { issues, submissions, wrong } = defaultLimits
  assert.deepEqual(
    issues.address.gapsMs,
    [60, 60, 120, 300, 900].map((s) => s * second),
  )
  assert.deepEqual(windows(issues.address.windows), [
    [5, hour],
    [6, day],
  ])
  for (const own of [issues.holder, issues.memberAddress])
    assert.deepEqual(windows(own), [
      [3, 10 * minute],
      [4, day],
    ])
  assert.deepEqual(defaultAddressCap, { max: 20, perMs: day })
  assert.deepEqual(windows(issues.member), [
    [10, hour],
    [20, day],
  ])
  assert.deepEqual(windows(issues.memberAddresses), [[5, day]])
  assert.deepEqual(windows(issues.network), [[120, hour]])
  assert.deepEqual(issues.app, { perSecond: 50, burst: 500, perDay: null })
  assert.deepEqual(windows(submissions.memberAddress), [[5, minute]])
  assert.deepEqual(windows(wrong.address), [[30, day]])
  assert.deepEqual(windows(wrong.memberAddress), [
    [15, day],
    [50, 30 * day],
  ])
  assert.deepEqual(windows(wrong.member), [[20, day]])
  assert.deepEqual(windows(wrong.network), [[60, hour]])
})

test('each limit refuses on its own, one past its most', () => {
  const most: [string, Partial<ThrottleSubject>[], number][] = [
    ['member', Array.from({ length: 5 }, (_, i) => ({ limiterKey: `tel:+861380013800${i}` })), 10],
    ['member-addresses', Array.from({ length: 6 }, (_, i) => ({ limiterKey: `tel:+861380013800${i}` })), 5],
    ['network', Array.from({ length: 200 }, (_, i) => ({ subject: `m${i}`, limiterKey: `tel:${i}` })), 120],
    [
      'app',
      Array.from({ length: 600 }, (_, i) => ({ subject: `m${i}`, limiterKey: `tel:${i}`, network: `n${i}` })),
      500,
    ],
  ]
  for (const [scope, changes, max] of most) {
    const limiters = keeper()
    const limits = {
      ...defaultLimits,
      issues: { ...defaultLimits.issues, address: { gapsMs: [], windows: [] }, memberAddress: [] },
    }
    let done = 0
    let refusal = ''
    for (let i = 0; done <= max && refusal === '' && i < 1000; i++) {
      const decision = limiters.acquire(
        issueLimits({ ...subject, ...changes[i % changes.length] }, limits, defaultAddressCap),
        1_700_000_000_000,
      )
      if (decision.kind === 'acquired') done++
      else refusal = decision.scope
    }
    assert.deepEqual([refusal, done], [scope, max])
  }
})

test('either all limits of a call count or none does, and every refusing scope is named', () => {
  const limiters = keeper()
  const rule = { kind: 'window', max: 1, perMs: minute } as const
  const one: Limit = { scope: 'address', key: 'one', form: 'events', rules: [rule] }
  const two: Limit = { scope: 'member', key: 'two', form: 'events', rules: [{ ...rule, perMs: hour }] }
  const three: Limit = { scope: 'network', key: 'three', form: 'events', rules: [rule] }
  limiters.acquire([one, two], 0)
  const decision = limiters.acquire([three, one, two], 1)
  assert.ok(decision.kind === 'throttled')
  assert.deepEqual(decision.scopes, ['address', 'member'])
  assert.equal(decision.scope, 'member')
  assert.equal(decision.retryAfterMs, hour - 1, 'the longest wait: one wait is enough')
  assert.equal(limiters.kept.get('three'), undefined)
})

test('limiters of different subjects are apart and hold no address', () => {
  const keys = new Set<string>()
  let count = 0
  for (const change of [
    {},
    { tenant: 't2' },
    { subject: 'm2' },
    { app: 'a2' },
    { limiterKey: 'tel:+8613800138001' },
    { network: '192.0.2.2' },
  ]) {
    const own = { ...subject, ...change }
    const { counted, wrong } = submissionLimits(own, defaultLimits)
    const issue = issueLimits(own, defaultLimits, defaultAddressCap).filter((limit) => !limit.looksOnly)
    const all = [...issue, ...counted, ...wrong]
    assert.equal(new Set(all.map((limit) => limit.key)).size, all.length)
    for (const { key } of all) {
      keys.add(key)
      assert.ok(!key.includes('138001380'))
    }
    count++
  }
  assert.ok(keys.size > count * 3)
})

test('the limiters of an address lie where it lies, those of a member together', () => {
  for (const [address, member] of [
    ['tel:+8613800138000', 'm1'],
    ['mailto:a+b@example.com', 'm2'],
    ['mailto:j.o.e+x@googlemail.com', 'm3'],
  ] as const) {
    const subject = {
      tenant: 't',
      app: 'a',
      subject: member,
      limiterKey: limiterKeyOf(address),
      network: '192.0.2.1',
      isHolder: false,
    }
    const wide = { ...defaultLimits.issues, memberAddress: [{ max: 1000, perMs: 1000 }] }
    const { counted, wrong } = submissionLimits(subject, defaultLimits)
    for (const { scope, key } of [
      ...issueLimits(subject, { ...defaultLimits, issues: wide }, defaultAddressCap),
      ...counted,
      ...wrong,
    ])
      if (scope === 'address' || scope === 'member-address')
        assert.equal(partitionOfLimiter(key), partitionOf(address), key)
      else if (scope === 'member' || scope === 'member-addresses')
        assert.equal(partitionOfLimiter(key), partitionOfSubject(`t:${member}`), key)
  }
})

test('addresses spread over all partitions', () => {
  const counts = new Map<number, number>()
  for (let i = 0; i < 40_960; i++) {
    const partition = partitionOf(`tel:+86138${String(i).padStart(8, '0')}`)
    counts.set(partition, (counts.get(partition) ?? 0) + 1)
  }
  assert.ok(counts.size > 4000 && [...counts.keys()].every((one) => one >= 0 && one < partitions))
  assert.ok([...counts.values()].every((count) => count < 40))
})
