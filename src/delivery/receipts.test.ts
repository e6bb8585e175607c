import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import type { Dispatches, ProviderReceipt } from '../store/dispatches.ts'
import { createReceipts } from './receipts.ts'

/** Dispatches that wait for the given keys; more keys may be added later. */
function known(...keys: string[]) {
  const asked: string[] = []
  let isAway = false
  const dispatches = {
    async receive(receipts: readonly ProviderReceipt[]) {
      if (isAway) throw new Error('away')
      return receipts.map(({ key, provider }) => {
        asked.push(`${provider} ${key}`)
        return keys.includes(key)
          ? ({ kind: 'recorded', isNews: true, channel: 'sms', region: 'CN', sinceAcceptedMs: 1 } as const)
          : ({ kind: 'unknown' } as const)
      })
    },
  } as unknown as Dispatches
  return {
    dispatches,
    asked,
    learn: (key: string) => keys.push(key),
    setAway: (value: boolean) => {
      isAway = value
    },
  }
}

const receipt = (key: string) => ({ key, state: 'delivered', providerCode: 'DELIVRD' }) as const

async function pass(ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 100) {
    mock.timers.tick(Math.min(100, left))
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function parking(store: ReturnType<typeof known>) {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const ends: string[] = []
  const receipts = createReceipts({
    dispatches: store.dispatches,
    observe: ({ key }, result) => ends.push(`${key} ${result.kind}`),
    onUnread: (provider, shape) => ends.push(`${provider} unread ${shape}`),
    now: () => Date.now(),
  })
  return { sink: receipts.sinkOf('p'), ends, [Symbol.dispose]: () => mock.timers.reset() }
}

test('T-6: a receipt that is early is parked, and recorded once its dispatch is', async () => {
  const store = known('here')
  using place = parking(store)
  await place.sink([receipt('here'), receipt('early')])
  assert.deepEqual(place.ends, ['here recorded'])
  await pass(300)
  store.learn('early')
  await pass(1_000)
  assert.deepEqual(place.ends, ['here recorded', 'early recorded'])
  assert.ok(store.asked.every((one) => one.startsWith('p ')))
})

test('T-6: a receipt for nobody is a stray after a minute, and asked for no more', async () => {
  const store = known()
  using place = parking(store)
  await place.sink([receipt('nobody')])
  await pass(59_000)
  assert.deepEqual(place.ends, [])
  await pass(2_000)
  assert.deepEqual(place.ends, ['nobody stray'])
  const { length } = store.asked
  assert.ok(length <= 8, 'a stray costs few look-ups')
  await pass(60_000)
  assert.equal(store.asked.length, length)
})

test('a receipt that may mean several messages is of the first that is known, now or while it is parked', async () => {
  const store = known('text')
  using place = parking(store)
  await place.sink([
    { ...receipt('tlv'), otherKeys: ['no', 'text'] },
    { ...receipt('other'), otherKeys: ['late', 'none'] },
  ])
  assert.deepEqual(place.ends, ['text recorded'])
  await pass(300)
  store.learn('late')
  await pass(1_000)
  assert.deepEqual(place.ends, ['text recorded', 'late recorded'])
  await pass(60_000)
  assert.equal(place.ends.length, 2)
})

test('one of several meanings that nothing awaits is one stray', async () => {
  using place = parking(known())
  await place.sink([{ ...receipt('a'), otherKeys: ['b'] }])
  await pass(61_000)
  assert.deepEqual(place.ends, ['a stray'])
})

test('what could not be read is told by its shape, also where nothing else was', async () => {
  using place = parking(known())
  await place.sink([], ['id:9 stat:aaaa'])
  assert.deepEqual(place.ends, ['p unread id:9 stat:aaaa'])
})

test('while the store is away the carrier is told so, and what is parked is kept', async () => {
  const store = known()
  using place = parking(store)
  await place.sink([receipt('early')])
  store.setAway(true)
  await assert.rejects(place.sink([receipt('other')]))
  await pass(20_000)
  store.setAway(false)
  store.learn('early')
  await pass(40_000)
  assert.deepEqual(place.ends, ['early recorded'])
})

test('strangers’ receipts do not fill the memory: beyond ten thousand the oldest are strays', async () => {
  using place = parking(known())
  await place.sink(Array.from({ length: 10_005 }, (_, i) => receipt(`k${i}`)))
  assert.deepEqual(place.ends, ['k0 stray', 'k1 stray', 'k2 stray', 'k3 stray', 'k4 stray'])
})
