/** Calls of a turn as few calls of functions: what is sent once, and whose answer is whose. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Limit } from '../../throttle/acquire.ts'
import type { Call } from './call.ts'
import { createLayout } from './layout.ts'
import { invocationsOf } from './merged-calls.ts'

const layout = createLayout('p', 64)
const merged = (calls: readonly Call[]) =>
  invocationsOf(
    calls,
    (shard) => layout.of[shard]!,
    ({ until }) => until,
  )
const use = (shard: number, id: string, until = 0): Call => ({
  name: 'use',
  shard,
  keys: [`refunded-${id}`],
  args: [id],
  until,
})

test('calls of a function to one shard are one, with the deadline and the answer of each', () => {
  const [one, other, rest] = merged([use(1, 'a', 7), use(2, 'b'), use(1, 'c', 9)])
  assert.equal(rest, undefined)
  const { records, live, events, eventCount } = layout.of[1]!
  assert.deepEqual(one!.keys, [records, live, events, eventCount, 'refunded-a', 'refunded-c'])
  assert.deepEqual(one!.args, [7, 'a', 9, 'c'])
  assert.deepEqual(one!.split(['done', 5, 'used', 'A', 'late', '']), [
    ['used', 5, 'A'],
    ['late', 5, ''],
  ])
  assert.deepEqual(other!.args, [0, 'b'])
})

test('Redis does at most 32 of them at once', () => {
  const calls = Array.from({ length: 70 }, (_, nth) => use(1, String(nth)))
  assert.deepEqual(
    merged(calls).map((one) => one.calls.length),
    [32, 32, 6],
  )
})

test('limits that calls have in common are sent once, their tags with each', () => {
  const rules = [{ kind: 'distinct', max: 3, perMs: 1000 }] as const
  const limit = (tag: number): Limit => ({ scope: 'member-addresses', key: 'k', form: 'tags', rules, tag })
  const issue = (limits: readonly Limit[]): Call => ({
    name: 'issue',
    shard: 0,
    keys: limits.map(({ key }) => key),
    args: ['x'],
    limits,
    until: 3,
  })
  const [one] = merged([issue([limit(5)]), issue([]), issue([limit(6)])])
  const list = JSON.stringify([{ scope: 'member-addresses', form: 'tags', rules }])
  assert.deepEqual(one!.args, [1, list, 3, 1, '1=5', 'x', 3, 0, '', 'x', 3, 1, '1=6', 'x'])
})

test('a function that takes one call gets each as it is', () => {
  const call: Call = { name: 'claim', shard: 3, keys: ['a'], args: [1, 'o', 2], until: 4 }
  const made = merged([call, call])
  assert.equal(made.length, 2)
  assert.deepEqual([made[0]!.keys, made[0]!.args], [['a'], [4, 1, 'o', 2]])
  assert.deepEqual(made[0]!.split(['claimed', 1]), [['claimed', 1]])
})
