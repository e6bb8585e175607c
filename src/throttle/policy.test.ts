import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { limiterKeyOf } from '../address/address.ts'
import { partitionOf, partitions } from '../address/partition.ts'
import type { Ledger } from './ledger.ts'
import {
  defaultAddressCap,
  defaultLimits,
  issueTakes,
  partitionOfLedger,
  partitionOfSubject,
  submissionTakes,
  type ThrottleSubject,
} from './policy.ts'
import { decideTakes, giveBack, type Take, takesWith, takingsOf } from './take.ts'

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const subject: ThrottleSubject = {
  tenant: 't',
  app: 'a',
  member: 'm',
  limiterKey: 'tel:+8613800138000',
  network: '192.0.2.1',
  isHolder: false,
}

/** Ledgers kept as an engine keeps them. */
function keeper() {
  const kept = new Map<string, Ledger>()
  return {
    take(takes: readonly Take[], now: number) {
      const decision = decideTakes(
        takes,
        takes.map((take) => kept.get(take.key)),
        now,
      )
      if (decision.kind === 'taken')
        for (const [i, take] of takes.entries()) {
          const next = decision.ledgers[i]
          if (next) kept.set(take.key, next.ledger)
        }
      return decision
    },
    giveBack(takes: readonly Take[], at: number) {
      for (const taking of takingsOf(takes, at))
        kept.set(taking.key, giveBack(taking, kept.get(taking.key) ?? []))
    },
    kept,
  }
}

test('N-5: with the default policy no 60 seconds hold more than five comparisons', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(40 * second), { maxLength: 60 }), (gaps) => {
      const ledgers = keeper()
      const done: number[] = []
      let now = 1_700_000_000_000
      for (const gap of gaps) {
        now += gap
        const { counted, wrong } = submissionTakes(subject, defaultLimits)
        if (ledgers.take(takesWith([...counted, ...wrong], true), now).kind === 'taken') done.push(now)
      }
      for (const start of done)
        assert.ok(done.filter((time) => time >= start && time < start + minute).length <= 5)
    }),
    { numRuns: 500 },
  )
})

test('a patient guesser is bounded by the days, not by the minutes alone', () => {
  const guess = (everyMs: number, forMs: number, members: number) => {
    const ledgers = keeper()
    let wrongs = 0
    for (let now = 1_700_000_000_000, end = now + forMs, i = 0; now < end; now += everyMs, i++) {
      const { counted, wrong } = submissionTakes(
        { ...subject, member: `m${i % members}`, network: undefined },
        defaultLimits,
      )
      if (ledgers.take(takesWith([...counted, ...wrong], true), now).kind === 'taken') wrongs++
    }
    return wrongs
  }
  assert.equal(guess(13 * second, day, 1), 15, 'one member, one address, a day')
  assert.equal(guess(5 * minute, 30 * day, 1), 50, 'the same, thirty days')
  const asker = { ...subject, member: 'new', network: undefined }
  const ledgers = keeper()
  const guessed = { ...asker, member: 'm' }
  for (let i = 0; i < 30; i++) {
    const { wrong } = submissionTakes({ ...guessed, member: `m${i % 3}` }, defaultLimits)
    assert.equal(ledgers.take(takesWith(wrong, true), 1_700_000_000_000 + i).kind, 'taken')
  }
  const decision = ledgers.take(issueTakes(asker, defaultLimits, defaultAddressCap), 1_700_000_000_100)
  assert.ok(decision.kind === 'throttled' && decision.rule === 'window', 'no more codes to guess at that day')
  const holder = issueTakes({ ...asker, isHolder: true }, defaultLimits, defaultAddressCap)
  assert.equal(ledgers.take(holder, 1_700_000_000_100).kind, 'taken')
})

test('an honest person never meets a limit', () => {
  // Of 100 000 people, each asks for a code, up to three times more after waiting as long as the screen
  // says (the told wait, and a little for the finger), and mistypes up to twice. Nobody else uses their
  // address. A told wait is obeyed and is no refusal; a refusal is one met after obeying.
  let refused = 0
  let seed = 20_261_124
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
  const people = 100_000
  for (let person = 0; person < people; person++) {
    const ledgers = keeper()
    const own = {
      ...subject,
      member: `m${person}`,
      limiterKey: `tel:+86${13_000_000_000 + person}`,
      network: `n${person}`,
    }
    let now = 1_700_000_000_000 + random() * day
    let wasRefused = false
    const resends = Math.floor(random() * random() * 4)
    for (let i = 0; i <= resends; i++) {
      const takes = issueTakes(own, defaultLimits, defaultAddressCap)
      const first = ledgers.take(takes, now)
      if (first.kind === 'throttled') {
        // The screen counts down the gap; any other limit would be met by surprise.
        if (first.rule !== 'gaps' && first.retryAfterMs > 10 * minute) wasRefused = true
        now += first.retryAfterMs
        if (ledgers.take(takes, now).kind === 'throttled') wasRefused = true
      }
      now += 5 * second + random() * 50 * second
    }
    const typos = Math.floor(random() * 3)
    for (let i = 0; i <= typos; i++) {
      const { counted, wrong } = submissionTakes(own, defaultLimits)
      if (ledgers.take([...counted, ...wrong], now).kind === 'throttled') wasRefused = true
      else if (i === typos) ledgers.giveBack(wrong, now)
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
    ['network', Array.from({ length: 200 }, (_, i) => ({ member: `m${i}`, limiterKey: `tel:${i}` })), 120],
    [
      'app',
      Array.from({ length: 600 }, (_, i) => ({ member: `m${i}`, limiterKey: `tel:${i}`, network: `n${i}` })),
      500,
    ],
  ]
  for (const [scope, changes, max] of most) {
    const ledgers = keeper()
    const limits = {
      ...defaultLimits,
      issues: { ...defaultLimits.issues, address: { gapsMs: [], windows: [] }, memberAddress: [] },
    }
    let done = 0
    let refusal = ''
    for (let i = 0; done <= max && refusal === '' && i < 1000; i++) {
      const decision = ledgers.take(
        issueTakes({ ...subject, ...changes[i % changes.length] }, limits, defaultAddressCap),
        1_700_000_000_000,
      )
      if (decision.kind === 'taken') done++
      else refusal = decision.scope
    }
    assert.deepEqual([refusal, done], [scope, max])
  }
})

test('either all takes of a call count or none does, and every refusing scope is named', () => {
  const ledgers = keeper()
  const rule = { kind: 'window', max: 1, perMs: minute } as const
  const one: Take = { scope: 'address', key: 'one', form: 'events', rules: [rule] }
  const two: Take = { scope: 'member', key: 'two', form: 'events', rules: [{ ...rule, perMs: hour }] }
  const three: Take = { scope: 'network', key: 'three', form: 'events', rules: [rule] }
  ledgers.take([one, two], 0)
  const decision = ledgers.take([three, one, two], 1)
  assert.ok(decision.kind === 'throttled')
  assert.deepEqual(decision.scopes, ['address', 'member'])
  assert.equal(decision.scope, 'member')
  assert.equal(decision.retryAfterMs, hour - 1, 'the longest wait: one wait is enough')
  assert.equal(ledgers.kept.get('three'), undefined)
})

test('ledgers of different subjects are apart and hold no address', () => {
  const keys = new Set<string>()
  let count = 0
  for (const change of [
    {},
    { tenant: 't2' },
    { member: 'm2' },
    { app: 'a2' },
    { limiterKey: 'tel:+8613800138001' },
    { network: '192.0.2.2' },
  ]) {
    const own = { ...subject, ...change }
    const { counted, wrong } = submissionTakes(own, defaultLimits)
    const issue = issueTakes(own, defaultLimits, defaultAddressCap).filter((take) => !take.looksOnly)
    const all = [...issue, ...counted, ...wrong]
    assert.equal(new Set(all.map((take) => take.key)).size, all.length)
    for (const { key } of all) {
      keys.add(key)
      assert.ok(!key.includes('138001380'))
    }
    count++
  }
  assert.ok(keys.size > count * 3)
})

test('the ledgers of an address lie where it lies, those of a member together', () => {
  for (const [address, member] of [
    ['tel:+8613800138000', 'm1'],
    ['mailto:a+b@example.com', 'm2'],
    ['mailto:j.o.e+x@googlemail.com', 'm3'],
  ] as const) {
    const subject = {
      tenant: 't',
      app: 'a',
      member,
      limiterKey: limiterKeyOf(address),
      network: '192.0.2.1',
      isHolder: false,
    }
    const wide = { ...defaultLimits.issues, memberAddress: [{ max: 1000, perMs: 1000 }] }
    const { counted, wrong } = submissionTakes(subject, defaultLimits)
    for (const { scope, key } of [
      ...issueTakes(subject, { ...defaultLimits, issues: wide }, defaultAddressCap),
      ...counted,
      ...wrong,
    ])
      if (scope === 'address' || scope === 'member-address')
        assert.equal(partitionOfLedger(key), partitionOf(address), key)
      else if (scope === 'member' || scope === 'member-addresses')
        assert.equal(partitionOfLedger(key), partitionOfSubject(`t:${member}`), key)
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
