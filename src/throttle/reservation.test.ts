import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Limit } from './acquire.ts'
import type { LimiterState } from './limiter-state.ts'
import type { OpenLimiters } from './open-limiters.ts'
import { type Reservation, reservationMs, reserve, settle } from './reservation.ts'

function keeper(): OpenLimiters & { readonly limiters: Map<string, LimiterState> } {
  const limiters = new Map<string, LimiterState>()
  return {
    limiters,
    read: (key) => limiters.get(key),
    forgottenAt: () => undefined,
    put: (key, _form, limiter) =>
      void (limiter.length > 0 ? limiters.set(key, limiter) : limiters.delete(key)),
  }
}

const five: Limit = {
  scope: 'password',
  key: 'five',
  form: 'events',
  rules: [{ kind: 'window', max: 5, perMs: 60_000 }],
}
const reservedOf = (open: OpenLimiters, now: number, limits: readonly Limit[] = [five]): Reservation => {
  const result = reserve(open, limits, now)
  assert.ok(result.kind === 'reserved', result.kind)
  return result.reservation
}
const settled = (reservation: Reservation, counts: boolean) => ({ reservation, counts, emptied: [] })

test('what is reserved holds its capacity, and what it is refused for is told apart from what counts', () => {
  const open = keeper()
  const all = [1, 2, 3, 4, 5].map((now) => reservedOf(open, now))
  assert.equal(reserve(open, [five], 6).kind, 'contended')
  settle(open, settled(all[0]!, true), 7)
  assert.equal(reserve(open, [five], 8).kind, 'contended')
  settle(open, settled(all[1]!, false), 9)
  settle(open, settled(reservedOf(open, 10), false), 11)
  for (const one of all.slice(2)) settle(open, settled(one, true), 12)
  settle(open, settled(reservedOf(open, 13), true), 14)
  const refused = reserve(open, [five], 15)
  assert.deepEqual(refused.kind === 'throttled' && refused.retryAfterMs, 7 + 60_000 - 15)
})

test('a reservation nobody settles ends by itself and counts for nothing', () => {
  const open = keeper()
  for (let now = 0; now < 5; now++) reservedOf(open, now)
  assert.equal(reserve(open, [five], reservationMs - 1).kind, 'contended')
  for (let nth = 0; nth < 5; nth++) settle(open, settled(reservedOf(open, reservationMs + 5), true), 6_000)
  assert.equal(reserve(open, [five], 6_001).kind, 'throttled')
})

test('settling leaves nothing reserved behind, and empties what it is asked to', () => {
  const open = keeper()
  settle(open, settled(reservedOf(open, 1), true), 2)
  settle(open, { reservation: reservedOf(open, 3), counts: false, emptied: ['five', 'unknown'] }, 4)
  assert.equal(open.limiters.size, 0)
})

test('whatever the order and outcome, no window holds more than its most, and free capacity is never refused as locked', () => {
  const step = fc.record({
    gapMs: fc.nat(4_000),
    act: fc.constantFrom('reserve', 'reserve', 'wrong', 'right', 'lost'),
    which: fc.nat(10),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const open = keeper()
      const pending: Reservation[] = []
      const wrong: number[] = []
      let now = 1_000_000
      for (const { gapMs, act, which } of steps) {
        now += gapMs
        // A reservation is settled while it lasts, or never.
        for (const one of pending.splice(0)) if (one.at + reservationMs > now) pending.push(one)
        if (act === 'reserve') {
          const result = reserve(open, [five], now)
          const counted = wrong.filter((at) => at + 60_000 > now).length
          assert.equal(result.kind === 'throttled', counted >= 5)
          if (result.kind === 'reserved') pending.push(result.reservation)
        } else {
          const [one] = pending.splice(which % Math.max(1, pending.length), 1)
          if (!one || act === 'lost') continue
          settle(open, settled(one, act === 'wrong'), now)
          if (act === 'wrong') wrong.push(now)
        }
        for (const end of wrong)
          assert.ok(wrong.filter((at) => at <= end && at > end - 60_000).length <= 5, 'a sliding minute')
      }
    }),
    { numRuns: 1_000 },
  )
})
