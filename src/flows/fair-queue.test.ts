import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { test } from 'node:test'
import { type Caller, createFairQueue, type FairQueue } from './fair-queue.ts'

/** Acts that `endOne` ends one after the other, and the order in which they began. */
function scene(queue: FairQueue) {
  const begun: string[] = []
  const ends: (() => void)[] = []
  const enter = (name: string, who: Caller, waitMs = 60_000) =>
    queue.inTurn(who, performance.now() + waitMs, async () => {
      begun.push(name)
      await new Promise<void>((resolve) => ends.push(resolve))
      return name
    })
  const endOne = async () => {
    ends.shift()!()
    await new Promise(setImmediate)
  }
  return { begun, enter, endOne }
}

const stranger = (network: string): Caller => ({ network, isKnown: false })
const known = (network: string): Caller => ({ network, isKnown: true })

test('no more than the given number act at once', async () => {
  const { begun, enter, endOne } = scene(createFairQueue(2, 10))
  const all = ['a', 'b', 'c'].map((name) => enter(name, stranger('n')))
  assert.deepEqual(begun, ['a', 'b'])
  for (let nth = 0; nth < 3; nth++) await endOne()
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'c'])
})

test('the known go before strangers, and every fourth turn is a stranger’s', async () => {
  const { begun, enter, endOne } = scene(createFairQueue(1, 10))
  for (let nth = 0; nth < 3; nth++) void enter(`s${nth}`, stranger('s'))
  for (let nth = 0; nth < 6; nth++) void enter(`k${nth}`, known('k'))
  for (let nth = 0; nth < 9; nth++) await endOne()
  assert.deepEqual(begun, ['s0', 'k0', 'k1', 'k2', 's1', 'k3', 'k4', 'k5', 's2'])
})

test('networks take turns, so that one that floods keeps no other waiting', async () => {
  const { begun, enter, endOne } = scene(createFairQueue(1, 10))
  for (let nth = 0; nth < 4; nth++) void enter(`a${nth}`, stranger('a'))
  void enter('b0', stranger('b'))
  for (let nth = 0; nth < 5; nth++) await endOne()
  assert.deepEqual(begun, ['a0', 'a1', 'b0', 'a2', 'a3'])
})

test('where too many wait, the newest of the network with most is refused at once', async () => {
  const { begun, enter, endOne } = scene(createFairQueue(1, 3))
  void enter('first', stranger('a'))
  const waiting = ['a1', 'a2', 'a3'].map((name) => enter(name, stranger('a')))
  const other = enter('b', stranger('b'))
  assert.equal(await waiting[2], undefined)
  for (let nth = 0; nth < 4; nth++) await endOne()
  assert.equal(await other, 'b')
  assert.deepEqual(begun, ['first', 'a1', 'b', 'a2'])
})

test('whoever waited too long is refused, and takes no turn', async () => {
  const { begun, enter, endOne } = scene(createFairQueue(1, 10))
  void enter('first', stranger('a'))
  assert.equal(await enter('late', known('a'), 20), undefined)
  const next = enter('next', stranger('a'))
  await endOne()
  await endOne()
  assert.equal(await next, 'next')
  assert.deepEqual(begun, ['first', 'next'])
})

test('an act that fails ends its turn too', async () => {
  const queue = createFairQueue(1, 10)
  const failed = queue.inTurn(stranger('a'), performance.now() + 60_000, () => Promise.reject(new Error('x')))
  const next = queue.inTurn(stranger('a'), performance.now() + 60_000, async () => 'next')
  await assert.rejects(failed, /x/)
  assert.equal(await next, 'next')
})

test('each acts in its own context, whoever’s turn ended before', async () => {
  const queue = createFairQueue(1, 10)
  const callers = new AsyncLocalStorage<string>()
  const until = performance.now() + 60_000
  const told = ['a', 'b', 'c'].map((name) =>
    callers.run(name, () => queue.inTurn(stranger(name), until, async () => callers.getStore())),
  )
  assert.deepEqual(await Promise.all(told), ['a', 'b', 'c'])
})
