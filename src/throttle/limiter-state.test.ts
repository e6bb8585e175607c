import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  forgottenAt,
  type LimiterForm,
  type LimiterState,
  leftOf,
  type Rule,
  waitMs,
  withHit,
  withoutHit,
} from './limiter-state.ts'

const minute = 60_000

/** Steps between hits, bursts and pauses alike; the last rule of a set shows what trimming must keep. */
const steps = fc.array(fc.oneof(fc.nat(10), fc.nat(minute), fc.nat(20 * minute)), {
  minLength: 1,
  maxLength: 80,
})

const formOf: Record<Rule['kind'], LimiterForm> = {
  window: 'events',
  gaps: 'events',
  distinct: 'tags',
  bucket: 'bucket',
  tally: 'tally',
}

/** Tries one hit after each step. @returns The times that were taken. */
function play(rules: readonly Rule[], times: readonly number[], tags: readonly number[] = []): number[] {
  const form = formOf[rules[0]!.kind]
  let limiter: LimiterState = []
  const done: number[] = []
  for (const [i, now] of times.entries()) {
    const tag = tags[i] ?? 0
    if (rules.some((rule) => waitMs(limiter, rule, now, tag) > 0)) continue
    limiter = withHit(limiter, form, rules, now, tag)
    done.push(now)
  }
  return done
}

const timesOf = (gaps: readonly number[]) => {
  let now = 1_700_000_000_000
  return gaps.map((gap) => (now += gap))
}

function maxIn(times: readonly number[], perMs: number): number {
  let most = 0
  for (const [i, start] of times.entries())
    most = Math.max(most, times.slice(i).filter((time) => time < start + perMs).length)
  return most
}

test('N-5: a window never holds more than its most, whatever the times', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 6 }), (gaps, max) => {
      assert.ok(maxIn(play([{ kind: 'window', max, perMs: minute }], timesOf(gaps)), minute) <= max)
    }),
    { numRuns: 2000 },
  )
})

test('N-5: the same check finds a minute that is fixed instead of sliding', () => {
  const fixed = (times: readonly number[]) => {
    const counts = new Map<number, number>()
    return times.filter((time) => {
      const slot = Math.floor(time / minute)
      counts.set(slot, (counts.get(slot) ?? 0) + 1)
      return counts.get(slot)! <= 5
    })
  }
  assert.throws(() =>
    fc.assert(
      fc.property(steps, (gaps) => maxIn(fixed(timesOf(gaps)), minute) <= 5),
      { numRuns: 20_000, seed: 7 },
    ),
  )
})

test('a window takes whatever it may: it refuses only what would be one too many', () => {
  fc.assert(
    fc.property(steps, (gaps) => {
      const rule: Rule = { kind: 'window', max: 3, perMs: minute }
      const times = timesOf(gaps)
      const done = play([rule], times)
      for (const time of times)
        if (!done.includes(time))
          assert.ok(done.filter((one) => one <= time && one > time - minute).length >= 3)
    }),
  )
})

const rules: Record<string, readonly Rule[]> = {
  window: [{ kind: 'window', max: 3, perMs: minute }],
  'two windows': [
    { kind: 'window', max: 2, perMs: minute },
    { kind: 'window', max: 4, perMs: 10 * minute },
  ],
  gaps: [{ kind: 'gaps', gapsMs: [1000, 2000, minute], perMs: 5 * minute }],
  distinct: [{ kind: 'distinct', max: 3, perMs: 10 * minute }],
  bucket: [{ kind: 'bucket', perSecond: 0.05, burst: 3 }],
  tally: [{ kind: 'tally', max: 4, perMs: 10 * minute }],
}

for (const [name, set] of Object.entries(rules)) {
  const form = formOf[set[0]!.kind]
  // A tally counts in slots, and a gap may shrink while one waits: hits before it grow old.
  const isExact = form !== 'tally' && name !== 'gaps'
  const after = (gaps: readonly number[]) => {
    const times = timesOf(gaps)
    let limiter: LimiterState = []
    for (const [i, now] of times.entries())
      if (set.every((rule) => waitMs(limiter, rule, now, i) <= 0))
        limiter = withHit(limiter, form, set, now, i)
    return { limiter, now: times.at(-1)! }
  }

  test(`${name}: waiting as long as told is enough${isExact ? ', a millisecond less is not' : ''}`, () => {
    fc.assert(
      fc.property(steps, (gaps) => {
        const { limiter, now } = after(gaps)
        for (const rule of set) {
          const wait = waitMs(limiter, rule, now, -1)
          assert.equal(waitMs(limiter, rule, now + wait, -1), 0)
          if (wait > 0 && isExact) assert.ok(waitMs(limiter, rule, now + wait - 1, -1) > 0)
        }
      }),
    )
  })

  test(`${name}: a limiter dropped when it is forgotten changes no decision`, () => {
    fc.assert(
      fc.property(steps, fc.nat(minute), (gaps, later) => {
        const { limiter } = after(gaps)
        const at = Math.ceil(forgottenAt(limiter, form, set)) + later
        for (const rule of set) assert.equal(waitMs(limiter, rule, at, -1), waitMs([], rule, at, -1))
      }),
    )
  })
}

test('a tally never lets more through than its most in any interval', () => {
  fc.assert(
    fc.property(steps, (gaps) => {
      assert.ok(maxIn(play([{ kind: 'tally', max: 4, perMs: 10 * minute }], timesOf(gaps)), 10 * minute) <= 4)
    }),
  )
})

test('a bucket lets its burst through at once and its rate afterwards', () => {
  const rule: Rule = { kind: 'bucket', perSecond: 2, burst: 5 }
  const start = 1_700_000_000_000
  assert.equal(play([rule], Array(20).fill(start)).length, 5)
  const done = play(
    [rule],
    Array.from({ length: 1000 }, (_, i) => start + i * 10),
  )
  assert.ok(Math.abs(done.length - (5 + 20)) <= 1, `${done.length}`)
})

test('distinct counts tags, not hits', () => {
  const rule: Rule = { kind: 'distinct', max: 2, perMs: minute }
  const start = 1_700_000_000_000
  const tags = [1, 1, 2, 3, 1, 2, 3]
  assert.equal(
    play(
      [rule],
      tags.map((_, i) => start + i),
      tags,
    ).length,
    5,
  )
})

test('gaps grow with each hit and repeat the last', () => {
  const rule: Rule = { kind: 'gaps', gapsMs: [10, 20, 30], perMs: 100_000 }
  const seen: number[] = []
  let limiter: LimiterState = []
  let now = 1_700_000_000_000
  for (let i = 0; i < 5; i++) {
    limiter = withHit(limiter, 'events', [rule], now, 0)
    const wait = waitMs(limiter, rule, now, 0)
    seen.push(wait)
    now += wait
  }
  assert.deepEqual(seen, [10, 20, 30, 30, 30])
})

test('what is refunded did not happen', () => {
  const rule: Rule = { kind: 'window', max: 1, perMs: minute }
  const limiter = withHit([], 'events', [rule], 5, 0)
  assert.ok(waitMs(limiter, rule, 6, 0) > 0)
  assert.equal(waitMs(withoutHit(limiter, 'events', 5), rule, 6, 0), 0)
  assert.deepEqual(withoutHit(limiter, 'events', 4), limiter, 'a hit that is not there is not refunded')
})

test('a hit made after the clock went back is refunded, and no other', () => {
  const rule: Rule = { kind: 'window', max: 2, perMs: minute }
  const first = withHit([], 'events', [rule], 1_000, 0)
  const second = withHit(first, 'events', [rule], 998, 0)
  assert.ok(waitMs(second, rule, 1_001, 0) > 0)
  assert.deepEqual(withoutHit(second, 'events', 998), first)
  assert.deepEqual(withoutHit(withHit(second, 'events', [rule], 999, 0), 'events', 999), second)
})

test('as many hits as are left are allowed at once, and not one more', () => {
  const kinds = fc.constantFrom<Rule>(
    { kind: 'window', max: 4, perMs: minute },
    { kind: 'distinct', max: 4, perMs: minute },
    { kind: 'bucket', perSecond: 0.05, burst: 4 },
    { kind: 'tally', max: 4, perMs: minute },
    { kind: 'gaps', gapsMs: [minute], perMs: 60 * minute },
  )
  fc.assert(
    fc.property(steps, kinds, (gaps, rule) => {
      const form = formOf[rule.kind]
      let limiter: LimiterState = []
      let tag = 0
      const hit = (now: number) => {
        if (waitMs(limiter, rule, now, ++tag) > 0) return false
        limiter = withHit(limiter, form, [rule], now, tag)
        return true
      }
      for (const now of timesOf(gaps)) hit(now)
      const now = timesOf([...gaps, 7]).at(-1)!
      const left = leftOf(limiter, rule, now)
      let allowed = 0
      while (hit(now)) allowed++
      assert.equal(allowed, left)
    }),
  )
})
