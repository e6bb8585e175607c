import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createMeasuredOrder, type MeasuredOrder, type Observation, type Tuning } from './measured-order.ts'

/** Mulberry32: a small generator whose draws a seed brings again. */
function seeded(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

type Carrier = { readonly cost?: number; readonly share: (nth: number) => number }

type Simulated = {
  /** Of the messages from `from` on: the share that each carrier got. */
  shares(from: number, to?: number): Record<string, number>
  /** The loss against a chooser that knows each carrier's true share, as a part of its gain. */
  regret(from: number): number
}

/** Messages by turns: ordered, sent by the first, and a minute later known to be used or not. */
function simulate(
  carriers: Readonly<Record<string, Carrier>>,
  { messages = 20_000, perSecond = 5, seed = 1, worth = 1, make = createMeasuredOrder } = {},
): Simulated {
  let time = 0
  const order = make(() => time, seeded(seed))
  const chance = seeded(seed + 1)
  const chosen: string[] = []
  const waiting: { at: number; observation: Observation }[] = []
  const candidates = Object.entries(carriers).map(([provider, { cost = 0 }]) => ({ provider, cost }))
  let gained = 0
  let best = 0
  const gains: { gained: number; best: number }[] = []
  for (let nth = 0; nth < messages; nth++) {
    time += 1000 / perSecond
    const due: Observation[] = []
    while (waiting[0] && waiting[0].at <= time) due.push(waiting.shift()!.observation)
    order.observe(due)
    const [provider] = order.order(candidates, 'CN', worth)
    const { share, cost = 0 } = carriers[provider!]!
    const used = Number(chance() < share(nth))
    waiting.push({ at: time + 60_000, observation: { provider: provider!, region: 'CN', sent: 1, used } })
    chosen.push(provider!)
    gained += share(nth) * worth - cost
    best += Math.max(...Object.values(carriers).map((one) => one.share(nth) * worth - (one.cost ?? 0)))
    gains.push({ gained, best })
  }
  return {
    shares(from, to = messages) {
      const part = chosen.slice(from, to)
      return Object.fromEntries(
        Object.keys(carriers).map((name) => [name, part.filter((one) => one === name).length / part.length]),
      )
    },
    regret(from) {
      const [start, end] = [gains[from]!, gains.at(-1)!]
      return 1 - (end.gained - start.gained) / (end.best - start.best)
    },
  }
}

const steady = (share: number) => () => share

/** The claims, each as a check that a planted fault must break. */
function assertFindsTheBetter(make?: typeof createMeasuredOrder, t?: TestContext): void {
  for (const seed of [1, 2, 3, 4, 5]) {
    const told = simulate(
      { bad: { share: steady(0.6) }, good: { share: steady(0.9) }, fair: { share: steady(0.8) } },
      { seed, ...(make && { make }) },
    )
    const { good = 0 } = told.shares(4_000)
    assert.ok(good > 0.9, `seed ${seed}: the best got ${good}`)
    const regret = told.regret(4_000)
    t?.diagnostic(
      `seed ${seed}: regret ${(regret * 100).toFixed(2)} %, the best got ${(good * 100).toFixed(1)} %`,
    )
    assert.ok(regret < 0.02, `seed ${seed}: regret ${regret}`)
  }
}

/** As many as a route may well have; the regret of learning grows with each. */
function assertCostsLittle(make?: typeof createMeasuredOrder, t?: TestContext): void {
  for (const shares of [
    [0.7, 0.9],
    [0.5, 0.7, 0.8, 0.9],
  ])
    for (const seed of [1, 2, 3]) {
      const carriers = Object.fromEntries(shares.map((share, i) => [`c${i}`, { share: steady(share) }]))
      const regret = simulate(carriers, { seed, ...(make && { make }) }).regret(4_000)
      t?.diagnostic(`${shares.length} carriers, seed ${seed}: regret ${(regret * 100).toFixed(2)} %`)
      assert.ok(regret < 0.02, `${shares.length} carriers, seed ${seed}: regret ${regret}`)
    }
}

function assertFollowsAChange(make?: typeof createMeasuredOrder, t?: TestContext): void {
  for (const seed of [1, 2, 3]) {
    const told = simulate(
      { a: { share: (nth) => (nth < 10_000 ? 0.9 : 0.2) }, b: { share: steady(0.8) } },
      { seed, ...(make && { make }) },
    )
    const { a = 0 } = told.shares(5_000, 10_000)
    assert.ok(a > 0.9, `seed ${seed}: before, the better got ${a}`)
    const { b = 0 } = told.shares(12_000)
    t?.diagnostic(
      `seed ${seed}: ${(b * 100).toFixed(1)} % go to the other from 2,000 messages after the change`,
    )
    assert.ok(b > 0.9, `seed ${seed}: after, the other got ${b}`)
  }
}

function assertNoticesARecovery(make?: typeof createMeasuredOrder, t?: TestContext): void {
  for (const seed of [1, 2, 3]) {
    // Down for two hours of much traffic, then the best again.
    const told = simulate(
      { a: { share: (nth) => (nth < 5_000 || nth > 40_000 ? 0.95 : 0) }, b: { share: steady(0.6) } },
      { seed, messages: 80_000, ...(make && { make }) },
    )
    const { a = 0 } = told.shares(60_000)
    t?.diagnostic(`seed ${seed}: ${(a * 100).toFixed(1)} % are back`)
    assert.ok(a > 0.9, `seed ${seed}: the recovered one got ${a}`)
  }
}

function assertHasFloor(make?: typeof createMeasuredOrder): void {
  const carriers = { all: { share: steady(0.95) }, none: { share: steady(0) } }
  const { none = 0 } = simulate(carriers, make && { make }).shares(5_000)
  assert.ok(none > 0.005 && none < 0.02, `the worst got ${none}`)
}

test('it finds the best of three carriers, and costs under 2 % against one who knows', (t) =>
  assertFindsTheBetter(undefined, t))
test('it costs under 2 % among two carriers and among four', (t) => assertCostsLittle(undefined, t))
test('it follows a change: the best one breaks', (t) => assertFollowsAChange(undefined, t))
test('it notices that a broken carrier is well again', (t) => assertNoticesARecovery(undefined, t))

test('cost counts: a cheaper carrier that is hardly worse comes first', () => {
  const carriers = {
    dear: { share: steady(0.9), cost: 0.3 },
    cheap: { share: steady(0.85), cost: 0.05 },
  }
  assert.ok(simulate(carriers).shares(4_000).cheap! > 0.9)
  assert.ok(simulate(carriers, { worth: 100 }).shares(4_000).dear! > 0.9, 'and not if a use is worth much')
})

test('no carrier gets less than the floor, however bad', () => assertHasFloor())

test('a region without figures borrows the provider’s own of elsewhere', () => {
  let time = 0
  const order = createMeasuredOrder(() => time, seeded(7))
  order.observe([
    { provider: 'a', region: 'CN', sent: 300, used: 290 },
    { provider: 'b', region: 'CN', sent: 300, used: 10 },
  ])
  const candidates = [
    { provider: 'b', cost: 0 },
    { provider: 'a', cost: 0 },
  ]
  const first = Array.from({ length: 400 }, () => order.order(candidates, 'HK', 1)[0])
  assert.ok(first.filter((one) => one === 'a').length > 300)
  assert.ok(order.belief('a', 'HK').share > 0.7)
  assert.equal(order.belief('a', 'HK').messages, 0)
  time += 10 * 30 * 60_000
  assert.ok(order.belief('a', 'CN').messages < 1, 'and after hours little is left')
})

test('each claim fails on its planted fault', () => {
  const tuned =
    (tuning: Partial<Tuning>) =>
    (now: () => number, random: () => number): MeasuredOrder =>
      createMeasuredOrder(now, random, { halfLifeMs: 1_800_000, maxKept: 600, floorShare: 0.01, ...tuning })
  const neverForgets = { halfLifeMs: Number.POSITIVE_INFINITY, maxKept: Number.POSITIVE_INFINITY }
  assert.throws(() => assertFindsTheBetter(greedy), /the best got/)
  assert.throws(() => assertCostsLittle(greedy), /regret/)
  assert.throws(() => assertFollowsAChange(tuned(neverForgets)), /the other got/)
  assert.throws(
    () => assertNoticesARecovery(tuned({ ...neverForgets, floorShare: 0 })),
    /the recovered one got/,
  )
  assert.throws(() => assertHasFloor(tuned({ floorShare: 0 })), /the worst got/)
})

/** Always takes the carrier that did best so far. */
function greedy(): MeasuredOrder {
  const seen = new Map<string, { sent: number; used: number }>()
  const shareOf = (provider: string) => {
    const { sent, used } = seen.get(provider) ?? { sent: 0, used: 0 }
    return used / Math.max(1, sent)
  }
  return {
    observe(observations) {
      for (const { provider, sent, used } of observations) {
        const one = seen.get(provider) ?? { sent: 0, used: 0 }
        seen.set(provider, { sent: one.sent + sent, used: one.used + used })
      }
    },
    order: (candidates) => candidates.map(({ provider }) => provider).sort((a, b) => shareOf(b) - shareOf(a)),
    belief: (provider) => ({ share: shareOf(provider), messages: 0 }),
  }
}
