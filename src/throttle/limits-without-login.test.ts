import assert from 'node:assert/strict'
import { test } from 'node:test'
import { defaultPolicy } from '../config/app-policy.ts'
import { decideAcquire } from './acquire.ts'
import type { LimiterState } from './limiter-state.ts'
import {
  forgottenSubject,
  limitsOfReset,
  limitsOfUndo,
  networkLimits,
  undoSubject,
} from './limits-without-login.ts'
import { defaultAddressCap, issueLimits, submissionLimits, type ThrottleSubject } from './policy.ts'

const address = 'tel:+8613800138000'
const common = { app: 'a', limiterKey: address, network: '192.0.2.1' }
const subjectOf = (isHolder: boolean): ThrottleSubject => ({ ...common, tenant: 't', subject: 'm', isHolder })

test('A-9: codes without a login count on limiters of their own, apart from those of their network', () => {
  const own = [true, false].flatMap((isHolder) => {
    const subject = subjectOf(isHolder)
    const { counted, wrong } = submissionLimits(subject, defaultPolicy.limits)
    return [...issueLimits(subject, defaultPolicy.limits, defaultAddressCap), ...counted, ...wrong]
  })
  const keys = new Set(own.map(({ key }) => key))
  for (const isHolder of [true, false])
    for (const [limitsOf, named] of [
      [limitsOfReset, forgottenSubject('reset:m:n')],
      [limitsOfUndo, undoSubject(address, isHolder)],
    ] as const) {
      const limits = limitsOf({ ...common, ...named, isHolder }, defaultPolicy.limits)
      const shared = limits.filter(({ key }) => keys.has(key)).map(({ key }) => key)
      assert.deepEqual(shared, isHolder ? [] : ['in:192.0.2.1'])
    }
})

test('a network may act so often, and a whole site five times as often, or less where less is the most', () => {
  const windows = [{ max: 3, perMs: 60_000 }]
  const states = new Map<string, LimiterState>()
  const acts = (network: string, most?: number) => {
    const limits = networkLimits({ network: 'n', site: 's' }, network, windows, most)
    const decision = decideAcquire(
      limits,
      limits.map(({ key }) => states.get(key)),
      1_000,
    )
    if (decision.kind === 'throttled') return false
    for (const [i, { key }] of limits.entries()) states.set(key, decision.limiters[i]!.limiter)
    return true
  }
  const counted = (network: string, most?: number) => {
    let count = 0
    while (acts(network, most)) count++
    return count
  }
  assert.equal(counted('192.0.2.1'), 3)
  assert.equal(counted('192.0.2.2'), 3, 'an IPv4 network has no site')
  const ofSite = Array.from({ length: 8 }, (_, nth) => counted(`2001:db8:7:${nth}::/64`))
  assert.deepEqual(ofSite, [3, 3, 3, 3, 3, 0, 0, 0])
  assert.deepEqual(
    [0, 1, 2].map((nth) => counted(`2001:db8:8:${nth}::/64`, 4)),
    [3, 1, 0],
  )
})
