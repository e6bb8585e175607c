import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decideAcquire } from './acquire.ts'
import type { LimiterState } from './limiter-state.ts'
import type { OpenLimiters } from './open-limiters.ts'
import {
  defaultPasswordLimits,
  type PasswordLimits,
  type PasswordSubject,
  passwordLimitsOf,
  passwordSubject,
  usedNetworkLimit,
} from './password-limits.ts'
import { reserve, settle } from './reservation.ts'

const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

/** Logins as the server decides them, over limiters in memory. */
function installation(policy: PasswordLimits = defaultPasswordLimits) {
  const limiters = new Map<string, { limiter: LimiterState; forgottenAt: number }>()
  const open: OpenLimiters = {
    read: (key) => limiters.get(key)?.limiter,
    forgottenAt: (key) => limiters.get(key)?.forgottenAt,
    put: (key, _form, limiter, forgottenAt) => void limiters.set(key, { limiter, forgottenAt }),
  }
  const subjects = new Map<string, PasswordSubject>()
  return (account: string, ip: string, isRight: boolean, now: number): 'right' | 'wrong' | 'locked' => {
    const name = `${account} ${ip}`
    const subject = subjects.get(name) ?? passwordSubject(account, ip)
    subjects.set(name, subject)
    const used = usedNetworkLimit(subject)
    const isUsed = (limiters.get(used.key)?.forgottenAt ?? 0) > now
    const { limits, emptied } = passwordLimitsOf(subject, isUsed, policy)
    const reserved = reserve(open, limits, now)
    if (reserved.kind !== 'reserved') return 'locked'
    const { reservation } = reserved
    settle(open, { reservation, counts: !isRight, emptied: isRight ? emptied : [] }, now)
    if (!isRight) return 'wrong'
    const remembered = decideAcquire([used], [limiters.get(used.key)?.limiter], now)
    assert.ok(remembered.kind === 'acquired')
    limiters.set(used.key, remembered.limiters[0]!)
    return 'right'
  }
}

const wrongUntilLocked = (attempt: () => string): number => {
  for (let count = 0; count < 10_000; count++) if (attempt() === 'locked') return count
  throw new Error('never locked')
}

test('five wrong passwords a minute, 20 a day and 40 a month lock an account for one network', () => {
  const logIn = installation()
  let now = 1_700_000_000_000
  logIn('a', '192.0.2.1', true, now)
  const wrong = () => logIn('a', '192.0.2.1', false, now)
  assert.equal(wrongUntilLocked(wrong), 5)
  let count = 5
  for (let minutes = 1; minutes < 60; minutes++) {
    now += minute
    count += wrongUntilLocked(wrong)
  }
  assert.equal(count, 20)
  for (let hours = 1; hours < 24 * 29; hours++) {
    now += hour
    count += wrongUntilLocked(wrong)
  }
  assert.equal(count, 40)
})

test('all strangers together have 20 a day and 50 a month for an account', () => {
  const logIn = installation()
  const start = 1_700_000_000_000
  let host = 0
  const guesses = (ms: number, everyMs: number) => {
    let count = 0
    for (let now = start; now < start + ms; now += everyMs)
      if (logIn('a', `198.51.${host >> 8}.${host++ & 255}`, false, now) === 'wrong') count++
    return count
  }
  assert.equal(guesses(day - 1, minute), 20)
  assert.equal(guesses(30 * day - 1, hour), 30)
})

test('a network has 60 an hour for all accounts that were not used from it', () => {
  const logIn = installation()
  const now = 1_700_000_000_000
  logIn('mine', '192.0.2.1', true, now)
  let nth = 0
  assert.equal(
    wrongUntilLocked(() => logIn(`a${nth++}`, '192.0.2.1', false, now)),
    60,
  )
  assert.equal(logIn('mine', '192.0.2.1', true, now), 'right')
  assert.equal(logIn('other', '192.0.2.1', true, now), 'locked')
  assert.equal(logIn('other', '192.0.2.1', true, now + hour), 'right')
})

test('a network is used for 30 days after the last right password', () => {
  const logIn = installation({ ...defaultPasswordLimits, otherNetworks: [{ max: 1, perMs: 90 * day }] })
  let now = 1_700_000_000_000
  const home = '2001:db8:1:2::/64'
  assert.equal(logIn('a', home, true, now), 'right')
  logIn('a', '198.51.100.1', false, now)
  assert.equal(logIn('a', '198.51.100.2', true, now), 'locked')
  now += 30 * day - 1
  assert.equal(logIn('a', '2001:db8:1:2::/64', true, now), 'right')
  now += 30 * day - 1
  assert.equal(logIn('a', home, true, now), 'right')
  now += 30 * day
  assert.equal(logIn('a', home, true, now), 'locked')
})

/** Numbers below `most`, the same for the same seed: a history of many small choices made quickly (mulberry32). */
function chooser(seed: number): (most: number) => number {
  let state = seed | 0
  return (most) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % most
  }
}

test('A-9: over 10^4 histories of strangers a right password from a network that was used is never refused', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const choose = chooser(seed)
      const logIn = installation()
      const homes = ['192.0.2.1', '2001:db8::1']
      const steps = 1 + choose(3)
      let now = 1_700_000_000_000
      for (let step = 0; step < steps; step++) {
        for (const home of homes) {
          // Also after a few typing errors of the minute.
          if (choose(20) === 0)
            for (let typos = choose(4); typos >= 0; typos--)
              assert.equal(logIn('owner', home, false, now), 'wrong')
          assert.equal(logIn('owner', home, true, now), 'right')
        }
        const pauseMs = [2_000, 10 * minute, 3 * day][choose(3)]!
        for (let burst = choose(6); burst > 0; burst--) {
          now += choose(pauseMs)
          const [who, host] = [choose(3), choose(254)]
          // Until they are locked out: what is refused changes nothing.
          for (let times = choose(30), told = ''; times > 0 && told !== 'locked'; times--)
            if (who === 0) told = logIn('owner', `198.51.100.${host}`, false, now)
            else if (who === 1) told = logIn('owner', `203.0.${host}.${times}`, false, now)
            else told = logIn(`other${times}`, homes[host % 2]!, false, now)
        }
        now += minute
      }
    }),
    { numRuns: 10_000 },
  )
})

test('no more than 100 wrong passwords in a row reach an account, also from networks it was used from', () => {
  const logIn = installation()
  const start = 1_700_000_000_000
  const used = ['192.0.2.1', '192.0.2.2', '192.0.2.3', '192.0.2.4']
  for (const ip of used) logIn('a', ip, true, start)
  let count = 0
  let host = 0
  for (let now = start + 1; now < start + 29 * day; now += 20 * minute)
    for (const ip of [...used, `203.0.113.${host++ & 255}`])
      if (logIn('a', ip, false, now) === 'wrong') count++
  assert.equal(count, 100)
})

test('A-12: who has an IPv6 /48 leaves no more limiters by wrong passwords than five networks do', () => {
  const logIn = installation()
  const now = 1_700_000_000_000
  let compared = 0
  for (let i = 0; i < 2_000; i++)
    if (logIn(`nobody-${i}`, `2001:db8:7:${i.toString(16)}::/64`, false, now) === 'wrong') compared++
  assert.equal(compared, 300)
  // Another site is another customer, and a network that the account uses is not asked for it.
  assert.equal(logIn('a', '2001:db8:8:1::/64', false, now), 'wrong')
  const used = installation()
  used('a', '2001:db8:7:1::/64', true, now)
  for (let i = 2; i < 400; i++) used(`nobody-${i}`, `2001:db8:7:${i.toString(16)}::/64`, false, now)
  assert.equal(used('a', '2001:db8:7:1::/64', true, now), 'right')
})
