import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Destination } from '../message/destination.ts'
import type { RoutedProvider } from './guarded-provider.ts'
import { createMeasuredOrder } from './measured-order.ts'
import type { Provider } from './provider.ts'
import { byLot } from './route-order.ts'
import { createRouter } from './router.ts'
import { explainRoutes, type Route, routeOf } from './routes.ts'

const provider = (name: string): Provider => ({
  name,
  channels: ['sms'],
  hasReceipts: false,
  send: async () => ({ id: '' }),
})
const to: Destination = { channel: 'sms', region: 'CN', tenant: 't', app: 'a' }
const route = (change: Partial<Route> = {}): Route => ({
  name: 'routes.sms.0',
  channel: 'sms',
  countries: null,
  tenants: null,
  apps: null,
  steps: ['a', 'b', 'c'].map((name) => ({ provider: name, weight: 1 })),
  order: 'listed',
  worth: 1,
  second: null,
  ...change,
})

function routerOf(change: Partial<Route> = {}, common: Record<string, Partial<RoutedProvider>> = {}) {
  let time = 0
  const plain = {
    perSecond: null,
    window: 100,
    timeoutMs: null,
    cost: 0,
    senders: [],
    afterCrash: 'again',
  } as const
  const random = () => 0.999
  const router = createRouter({
    routes: [route(change)],
    providers: new Map(
      ['a', 'b', 'c'].map((name) => [name, { provider: provider(name), ...plain, ...common[name] }]),
    ),
    measured: createMeasuredOrder(() => time, random),
    now: () => time,
    random,
  })
  const next = (tried: string[] = []) => {
    const found = router.next(to, tried)
    assert.ok(found.kind === 'provider', found.kind)
    return found
  }
  const fail = (name: string) => {
    const others = ['a', 'b', 'c'].filter((one) => one !== name)
    for (let i = 0; i < 5; i++) {
      const found = next(others)
      assert.equal(found.provider.name, name)
      found.leave('unavailable')
    }
  }
  return { router, next, fail, pass: (ms: number) => (time += ms) }
}

test('the first route that fits is taken, and each that does not says why', () => {
  const routes = [
    route({ name: '0', countries: ['US'] }),
    route({ name: '1', tenants: ['other'] }),
    route({ name: '2', apps: ['other'] }),
    route({ name: '3', channel: 'email' }),
    route({ name: '4' }),
    route({ name: '5' }),
  ]
  assert.equal(routeOf(routes, to)?.name, '4')
  assert.deepEqual(
    explainRoutes(routes, to).map(({ route, mismatch }) => [route.name, mismatch]),
    [
      ['0', 'CN is not among US'],
      ['1', 'is for tenant other'],
      ['2', 'is for app other'],
      ['4', undefined],
      ['5', undefined],
    ],
  )
  assert.equal(routeOf(routes.slice(0, 4), to), undefined)
})

test('providers are tried in order, those tried before last and longest ago first', () => {
  const { next } = routerOf()
  assert.equal(next().provider.name, 'a')
  assert.equal(next(['a']).provider.name, 'b')
  assert.equal(next(['a', 'b']).provider.name, 'c')
  assert.equal(next(['a', 'b', 'c']).provider.name, 'a')
  assert.equal(next(['a', 'b', 'c', 'a']).provider.name, 'b')
})

test('with another provider to turn to a hand-over has 2.5 s, the last has 10 s, unless stated', () => {
  const { next } = routerOf({}, { b: { timeoutMs: 700 } })
  assert.deepEqual([next().timeoutMs, next().hasNext], [2500, true])
  assert.equal(next(['a']).timeoutMs, 700)
  assert.deepEqual([next(['a', 'b']).timeoutMs, next(['a', 'b']).hasNext], [10_000, false])
})

test('one that keeps failing is passed over, probed by one message, and back once that is accepted', () => {
  const { router, next, fail, pass } = routerOf()
  fail('a')
  assert.equal(next().provider.name, 'b')
  assert.deepEqual(
    router.states().map(({ isOpen }) => isOpen),
    [true, false, false],
  )
  pass(5_000)
  const probe = next()
  assert.equal(probe.provider.name, 'a')
  assert.equal(next().provider.name, 'b', 'one probe at a time')
  probe.leave('accepted')
  assert.equal(next().provider.name, 'a')
})

test('when all fail a message is tried all the same, where it is soonest worth it', () => {
  const { router, next, fail, pass } = routerOf()
  fail('b')
  pass(100)
  fail('a')
  pass(100)
  fail('c')
  const lastHope = next()
  assert.equal(lastHope.provider.name, 'b')
  lastHope.leave('accepted')
  assert.deepEqual(
    router.states().map(({ isOpen }) => isOpen),
    [true, false, true],
    'and if it is taken, that one is well again',
  )
})

test('while all fail a message tries them by turns, not the one alone whose time ends first', () => {
  const { next, fail, pass } = routerOf()
  for (const name of ['b', 'a', 'c']) {
    fail(name)
    pass(100)
  }
  const tried: string[] = []
  for (let i = 0; i < 6; i++) {
    const { provider, leave } = next(tried)
    leave('unavailable')
    tried.push(provider.name)
  }
  assert.deepEqual(tried, ['b', 'a', 'c', 'b', 'a', 'c'])
})

test('while all fail each is asked twenty times a second, however many messages live', () => {
  const { router, fail, pass } = routerOf()
  for (const name of ['a', 'b', 'c']) fail(name)
  const asked: Record<string, number> = { a: 0, b: 0, c: 0 }
  const ask = () => {
    for (let i = 0; i < 1_000; i++) {
      const found = router.next(to, [])
      if (found.kind !== 'provider') continue
      asked[found.provider.name]!++
      found.leave('unavailable')
    }
  }
  for (let ms = 0; ms <= 2_000; ms += 50) {
    ask()
    pass(50)
  }
  for (const [name, count] of Object.entries(asked))
    assert.ok(count >= 20 && count <= 61, `${name} was asked ${count} times in 2 s`)
  const waiting = router.next(to, [])
  assert.ok(waiting.kind === 'wait' || waiting.kind === 'provider')
  // The next message shows that a provider works again, and then all may go.
  for (let i = 0; router.states().every(({ isOpen }) => isOpen); i++) {
    assert.ok(i < 100)
    pass(50)
    const found = router.next(to, [])
    if (found.kind === 'provider') found.leave('accepted')
  }
  for (let i = 0; i < 50; i++) assert.equal(router.next(to, []).kind, 'provider')
})

test('what is more than a provider may have goes to the next, and waits if all are full', async () => {
  const { router, next } = routerOf({}, { a: { window: 1 }, b: { window: 1 }, c: { window: 1 } })
  const taken = [next(), next(), next()]
  assert.deepEqual(
    taken.map((one) => one.provider.name),
    ['a', 'b', 'c'],
  )
  const full = router.next(to, [])
  assert.ok(full.kind === 'wait')
  const capacity = full.capacity()
  taken[0]!.leave('accepted')
  await capacity
  assert.equal(next().provider.name, 'a')
  assert.deepEqual(
    router.states().map(({ inFlight }) => inFlight),
    [1, 1, 1],
  )
})

test('one that asks for a pause is passed over until it ends, and is not what another falls over to', () => {
  const { next, pass } = routerOf()
  next().leave('throttled', 3_000)
  assert.equal(next().provider.name, 'b')
  assert.deepEqual([next(['b']).provider.name, next(['b']).hasNext], ['c', false])
  pass(3_000)
  assert.equal(next().provider.name, 'a')
})

test('if all ask for a pause a message waits for the first that ends', () => {
  const { router, next, pass } = routerOf()
  next().leave('throttled', 3_000)
  next().leave('unavailable', 1_000)
  next().leave('throttled', 2_000)
  assert.equal(router.next(to, []).kind, 'wait')
  pass(1_000)
  assert.equal(next().provider.name, 'b')
})

test('a rate is kept to the message', () => {
  const { next, pass } = routerOf({}, { a: { perSecond: 2 } })
  const names = () => next().provider.name
  assert.deepEqual([names(), names(), names()], ['a', 'a', 'b'])
  pass(500)
  assert.deepEqual([names(), names()], ['a', 'b'])
})

test('weights are shares of the first tries, and every provider comes once', () => {
  let seed = 1
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
  const steps = [
    { provider: 'a', weight: 3 },
    { provider: 'b', weight: 1 },
    { provider: 'c', weight: 0.5 },
  ]
  const firsts: Record<string, number> = { a: 0, b: 0, c: 0 }
  for (let i = 0; i < 9_000; i++) {
    const order = byLot(steps, random)
    assert.deepEqual(order.toSorted(), ['a', 'b', 'c'])
    firsts[order[0]!]!++
  }
  for (const { provider, weight } of steps)
    assert.ok(Math.abs(firsts[provider]! - weight * 2_000) < 200, `${provider}: ${firsts[provider]}`)
})

test('the sender is that of the first rule that fits country and app', () => {
  const senders = [
    { sender: '+15550001', countries: ['US'], apps: null },
    { sender: 'Shop', countries: null, apps: ['a'] },
    { sender: 'Else', countries: null, apps: null },
  ]
  const { router, next } = routerOf({}, { a: { senders } })
  assert.equal(next().sender, 'Shop')
  const at = (change: Partial<Destination>) => {
    const found = router.next({ ...to, ...change }, [])
    return found.kind === 'provider' && found.sender
  }
  assert.equal(at({ region: 'US' }), '+15550001')
  assert.equal(at({ app: 'other' }), 'Else')
  assert.equal(next(['a']).sender, null)
})

test('a message for the sandbox goes there whatever the routes, and nowhere without one', () => {
  const sandboxed = { ...to, isSandboxed: true } as const
  const without = routerOf()
  assert.equal(without.router.serves(sandboxed), false)
  assert.equal(without.router.next(sandboxed, []).kind, 'none')
  const { router } = routerOf({}, { b: { isSandbox: true } })
  assert.equal(router.serves(sandboxed), true)
  assert.equal(router.serves({ ...sandboxed, channel: 'voice' }), false, 'the sandbox has no such channel')
  const chosen = router.next(sandboxed, [])
  assert.ok(chosen.kind === 'provider' && chosen.provider.name === 'b' && !chosen.hasNext)
  const usual = router.next(to, [])
  assert.ok(usual.kind === 'provider' && usual.provider.name === 'a')
})
