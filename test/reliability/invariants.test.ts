/** Each invariant finds the history that breaks it, and no fault in one that does not. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Call, Delivery, History } from './history.ts'
import { breachesOf, type InvariantName } from './invariants.ts'

const number = '+8613810000001'
let requests = 0

function call(change: Partial<Call>): Call {
  const startedAt = change.startedAt ?? 0
  return {
    act: 'send',
    process: 0,
    member: 'ada',
    address: number,
    code: '',
    consumes: false,
    request: `r${++requests}`,
    startedAt,
    endedAt: startedAt + 10,
    end: 'done',
    word: '',
    ...change,
  }
}

const sent = call({})
const arrived: Delivery = { id: 'm1', to: number, code: '123456', at: 20 }
const change = (more: Partial<Call> = {}) =>
  call({ act: 'change', code: '123456', consumes: true, startedAt: 100, ...more })
const changed = change()

function history(more: Partial<History> = {}): History {
  return {
    rules: {
      lifetimeMs: 60_000,
      issues: {
        address: [
          { max: 1, perMs: 2_000 },
          { max: 3, perMs: 3_600_000 },
        ],
      },
      submissions: { memberAddress: [{ max: 5, perMs: 60_000 }] },
    },
    killed: [1],
    calls: [sent, changed],
    deliveries: [arrived],
    failed: new Map(),
    holders: [{ member: 'ada', before: null, after: number }],
    left: 0,
    ...more,
  }
}

const times = (count: number, make: (nth: number) => Call) => Array.from({ length: count }, (_, i) => make(i))

function breaks(name: InvariantName, more: Partial<History>): void {
  assert.deepEqual(Object.keys(breachesOf(history(more))), [name])
}

function holds(more: Partial<History> = {}): void {
  assert.deepEqual(breachesOf(history(more)), {})
}

test('a run in which nothing went wrong keeps all', () => holds())

describe('accounting', () => {
  const nobody = { holders: [] }
  test('an accepted send that neither arrived nor failed is a breach', () =>
    breaks('each accepted send is accounted for', { ...nobody, calls: [sent], deliveries: [] }))
  test('one that is recorded as failed is none', () =>
    holds({ ...nobody, calls: [sent], deliveries: [], failed: new Map([[number, 1]]) }))
  test('two accepted sends to one address need two messages', () =>
    breaks('each accepted send is accounted for', {
      ...nobody,
      calls: [sent, call({ startedAt: 5_000 })],
      deliveries: [arrived, { ...arrived, at: 5_020 }],
    }))
  test('a send that ended unknown may have made a message or not', () => {
    const unknown = call({ end: 'unavailable' })
    holds({ ...nobody, calls: [unknown], deliveries: [] })
    holds({ ...nobody, calls: [unknown], deliveries: [arrived] })
  })
  test('but not two', () =>
    breaks('each accepted send is accounted for', {
      ...nobody,
      calls: [call({ end: 'unavailable' })],
      deliveries: [arrived, { ...arrived, id: 'm2' }],
    }))
  test('a send that was refused made none', () =>
    breaks('each accepted send is accounted for', {
      ...nobody,
      calls: [call({ end: 'throttled' })],
      deliveries: [arrived],
    }))
  test('a message that nobody asked for is a breach', () =>
    breaks('each accepted send is accounted for', { ...nobody, calls: [] }))
  test('so is one that comes after its code’s life', () =>
    breaks('each accepted send is accounted for', {
      ...nobody,
      calls: [sent],
      deliveries: [arrived, { ...arrived, at: 61_000 }],
    }))
  test('and one that stays on its way for ever', () =>
    breaks('each accepted send is accounted for', { left: 1 }))
  test('copies with another code are a breach', () =>
    breaks('copies are the same message', { deliveries: [arrived, { ...arrived, code: '654321' }] }))
})

describe('uses', () => {
  const name = 'a code is used once, by whom it was sent for, within its life'
  test('two calls that used one code are a breach', () =>
    breaks(name, { calls: [sent, changed, change({ startedAt: 200 })] }))
  test('also if a check of the own contact is one of them', () =>
    breaks(name, { calls: [sent, changed, change({ act: 'verify', process: 1, startedAt: 200 })] }))
  test('one call that was made again is none', () =>
    holds({ calls: [sent, changed, { ...changed, process: 1, startedAt: 200, endedAt: 210 }] }))
  test('a check that does not use the code up is none', () =>
    holds({ calls: [sent, changed, change({ act: 'verify', consumes: false, startedAt: 50 })] }))
  test('a code that was not sent is a breach', () =>
    breaks(name, { calls: [sent, call({ act: 'verify', code: '111111', startedAt: 50 })], holders: [] }))
  test('so is one that another member had asked for', () =>
    breaks(name, {
      calls: [call({ member: 'bob' }), changed],
    }))
  test('and one that is over', () =>
    breaks(name, { calls: [sent, change({ startedAt: 60_020, endedAt: 60_030 })] }))
  test('the last moment of its life is not', () => holds({ calls: [sent, change({ startedAt: 60_005 })] }))
})

describe('limits', () => {
  const wrong = (startedAt: number, more: Partial<Call> = {}) =>
    call({ act: 'verify', code: '000000', end: 'wrong', startedAt, ...more })
  const only = (calls: Call[]) => ({ calls, holders: [], deliveries: [] })
  test('a sixth comparison within the minute is a breach', () =>
    breaks('comparisons stay within their limits', only(times(6, (i) => wrong(i * 9_000)))))
  test('right codes are compared too', () => {
    const before = times(5, (i) => wrong(20 + i))
    breaks('comparisons stay within their limits', { calls: [sent, ...before, changed] })
    breaks('comparisons stay within their limits', {
      calls: [sent, ...before, change({ end: 'matched' })],
      holders: [],
    })
  })
  test('a sixth after the minute, or one that was throttled, is none', () => {
    holds(only(times(6, (i) => wrong(i * 12_100))))
    holds(only([...times(5, (i) => wrong(i)), wrong(9, { end: 'throttled' })]))
    holds(only([...times(5, (i) => wrong(i)), wrong(9, { end: 'unavailable' })]))
  })
  test('a call that may have been compared before the minute began is not counted against it', () => {
    holds(only([wrong(0, { endedAt: 59_000 }), ...times(5, (i) => wrong(58_000 + i, { endedAt: 61_000 }))]))
    breaks(
      'comparisons stay within their limits',
      only([wrong(0, { endedAt: 59_000 }), ...times(5, (i) => wrong(58_000 + i))]),
    )
  })
  test('members that share an address have limits of their own', () =>
    holds(only(times(6, (i) => wrong(i, { member: `m${i}` })))))
  const messages = (count: number) =>
    Array.from({ length: count }, (_, i) => ({ ...arrived, id: `m${i}`, at: 20 }))
  test('two issues within the gap are a breach', () =>
    breaks('issues stay within their limits', {
      calls: [sent, call({ startedAt: 1_900 })],
      deliveries: messages(2),
      holders: [],
    }))
  test('two that may have been apart are none', () =>
    holds({ calls: [sent, call({ startedAt: 1_990 })], deliveries: messages(2), holders: [] }))
  test('one whose message nobody took was given back', () =>
    holds({
      calls: [sent, call({ startedAt: 1_900 })],
      deliveries: messages(1),
      failed: new Map([[number, 1]]),
      holders: [],
    }))
  test('one more than an hour allows is a breach', () =>
    breaks('issues stay within their limits', {
      calls: times(4, (i) => call({ startedAt: i * 2_100 })),
      deliveries: messages(4),
      holders: [],
    }))
})

describe('contacts', () => {
  const name = "nobody else's contact changed"
  const ada = { member: 'ada', before: null, after: number }
  test('a contact that the member did not store is a breach', () => {
    breaks(name, { holders: [ada, { member: 'bob', before: '+8613810000002', after: number.slice(0, -1) }] })
    breaks(name, { calls: [sent, change({ end: 'wrong' })] })
  })
  test('so is one that was stored and is not there', () =>
    breaks(name, { holders: [{ ...ada, after: null }] }))
  test('and one that two members have', () =>
    breaks(name, {
      calls: [
        sent,
        changed,
        call({ member: 'bob', startedAt: 3_000 }),
        change({ member: 'bob', end: 'unavailable' }),
      ],
      deliveries: [arrived, { ...arrived, id: 'm2' }],
      holders: [ada, { ...ada, member: 'bob' }],
    }))
  test('a change that ended unknown may have been done or not', () => {
    const unknown = { calls: [sent, change({ end: 'unavailable' })] }
    holds({ ...unknown, holders: [ada] })
    holds({ ...unknown, holders: [{ ...ada, after: null }] })
  })
  test('an earlier contact is not stored again by itself', () => {
    const second: Delivery = { id: 'm2', to: '+8613810000002', code: '222222', at: 3_020 }
    const calls = [
      sent,
      changed,
      call({ address: second.to, startedAt: 3_000 }),
      change({ address: second.to, code: second.code, startedAt: 3_100 }),
    ]
    holds({ calls, deliveries: [arrived, second], holders: [{ ...ada, after: second.to }] })
    breaks(name, { calls, deliveries: [arrived, second] })
  })
})

test('a call without an answer is a breach, unless its process was killed', () => {
  const lost = (process: number) => call({ end: 'lost', process, address: '+8613810000009' })
  holds({ calls: [sent, changed, lost(1)] })
  breaks('nothing but documented answers', { calls: [sent, changed, lost(0)] })
})

test('an answer that is not documented for its call is a breach', () =>
  breaks('nothing but documented answers', {
    calls: [sent, changed, call({ end: 'strange', address: '+8613810000009' })],
  }))
