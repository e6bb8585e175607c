import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Member } from '../directory/directory.ts'
import { hashPassword } from '../directory/password.ts'
import { AppError } from '../errors.ts'
import { createMetrics } from '../metrics.ts'
import type { Limiters } from '../store/limiters.ts'
import { decideAcquire, hitsOf } from '../throttle/acquire.ts'
import type { LimiterState } from '../throttle/limiter-state.ts'
import { defaultPasswordLimits } from '../throttle/password-limits.ts'
import { reserve, settle } from '../throttle/reservation.ts'
import { type CheckPasswordNeeds, createPasswordCheck } from './check-password.ts'

/** Limiters in memory, as an engine keeps them. */
function limitersIn(kept: Map<string, { limiter: LimiterState; forgottenAt: number }>): Limiters {
  const open = {
    read: (key: string) => kept.get(key)?.limiter,
    forgottenAt: (key: string) => kept.get(key)?.forgottenAt,
    put: (key: string, _form: unknown, limiter: LimiterState, forgottenAt: number) =>
      void (limiter.length > 0 ? kept.set(key, { limiter, forgottenAt }) : kept.delete(key)),
  }
  return {
    async acquire(limits) {
      const decision = decideAcquire(
        limits,
        limits.map(({ key }) => open.read(key)),
        Date.now(),
      )
      if (decision.kind === 'throttled') return decision
      for (const [i, next] of decision.limiters.entries())
        if (next) open.put(limits[i]!.key, limits[i]!.form, next.limiter, next.forgottenAt)
      return { kind: 'acquired', hits: hitsOf(limits, Date.now()) }
    },
    refund: async () => undefined,
    reserve: async (limits) => reserve(open, limits, Date.now()),
    settle: async (settled) => settle(open, settled, Date.now()),
    isHeld: async (key) => (kept.get(key)?.forgottenAt ?? 0) > Date.now(),
  }
}

const account = 'mei@demo'
const password = 'correct horse'
const passwordHash = await hashPassword(password)
const home = '192.0.2.1'
const metrics = createMetrics(async () => undefined)

/** @param change  Parts of the store that the test replaces. */
function setUp(change: Partial<Limiters> = {}) {
  const kept = new Map<string, { limiter: LimiterState; forgottenAt: number }>()
  const limiters = { ...limitersIn(kept), ...change }
  let looks = 0
  const directory = {
    async memberByLogin(login: string) {
      looks++
      return login === account ? ({ id: 'm', account, passwordHash } as Member) : undefined
    },
  }
  const store = { directory, limiters } as unknown as CheckPasswordNeeds['store']
  const check = createPasswordCheck({ store, limits: defaultPasswordLimits, metrics })
  return { check, kept, limiters, looks: () => looks }
}

const gone = () => Promise.reject(new AppError('store.unavailable'))

test('the same password of an account from one network is compared once for all who wait', async () => {
  const { check, looks } = setUp()
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => check(account, password, home)))
  assert.deepEqual([...new Set(outcomes.map(({ kind }) => kind))], ['right'])
  assert.equal(looks(), 1)
  assert.equal((await check(account, password, home)).kind, 'right')
  assert.equal(looks(), 2, 'the answer is not remembered')
})

test('one of 20 right logins at once over two processes is never called locked', async () => {
  const { check, limiters, kept } = setUp()
  // Room for one more wrong password.
  for (let nth = 0; nth < 4; nth++) assert.equal((await check(account, `wrong ${nth}`, home)).kind, 'wrong')
  const { check: second } = setUp(limiters)
  const outcomes = await Promise.all(
    [check, second].flatMap((one) => Array.from({ length: 10 }, () => one(account, password, home))),
  )
  for (const { kind } of outcomes) assert.ok(kind === 'right' || kind === 'busy', kind)
  assert.ok(
    [...kept.keys()].every((key) => !key.startsWith('r')),
    'nothing stays reserved',
  )
})

test('a store that fails to settle a right password lets it in, and it counts for nothing', async () => {
  const { check, kept } = setUp({ settle: gone })
  assert.equal((await check(account, password, home)).kind, 'right')
  assert.deepEqual([...kept.keys()].map((key) => key.slice(0, 3)).toSorted(), ['pk:', 'rpn', 'rpo', 'rpw'])
})

test('a wrong password that could not be counted is not told to be wrong', async () => {
  const { check } = setUp({ settle: gone })
  await assert.rejects(check(account, 'wrong', home), /store/)
})

test('a store that does not reserve refuses all, and nothing is compared', async () => {
  const { check } = setUp({ reserve: gone })
  await assert.rejects(check(account, password, home), /store/)
})

test('A-1: a wrong password asks the store the same for an account that exists and one that does not', async () => {
  const asked = async (name: string) => {
    const calls: string[] = []
    const { check, limiters } = setUp()
    for (const verb of ['acquire', 'reserve', 'settle', 'isHeld'] as const) {
      const act = limiters[verb] as (...args: readonly unknown[]) => Promise<unknown>
      Object.assign(limiters, {
        [verb]: (...args: readonly unknown[]) => {
          calls.push(verb)
          return act(...args)
        },
      })
    }
    for (let nth = 0; nth < 6; nth++) calls.push((await check(name, `wrong ${nth}`, home)).kind)
    return calls
  }
  const known = await asked(account)
  assert.deepEqual(known.slice(0, 4), ['isHeld', 'reserve', 'settle', 'wrong'])
  assert.deepEqual(known.slice(-3), ['isHeld', 'reserve', 'locked'])
  assert.deepEqual(await asked('nobody@demo'), known)
})

test('unknown accounts are counted as known ones are', async () => {
  const { check, kept } = setUp()
  const countOf = async (name: string, ip: string) => {
    kept.clear()
    const outcomes: string[] = []
    for (let nth = 0; nth < 7; nth++) outcomes.push((await check(name, 'wrong', ip)).kind)
    return [outcomes.join(), kept.size]
  }
  assert.deepEqual(await countOf(account, home), await countOf('nobody@demo', home))
})

test('logins that come faster than they can be compared are refused as busy, and count for nothing', async () => {
  const { check, kept } = setUp()
  const outcomes = await Promise.all(
    Array.from({ length: 300 }, (_, nth) => check(`unknown${nth}`, 'guess', `10.0.${nth}.1`)),
  )
  const [wrong, busy] = ['wrong', 'busy'].map((one) => outcomes.filter(({ kind }) => kind === one).length)
  assert.equal(wrong! + busy!, 300)
  assert.ok(busy! >= 200, String(busy))
  assert.equal([...kept.keys()].filter((key) => key.startsWith('pw:')).length, wrong)
})
