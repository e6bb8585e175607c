import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DispatchOutcome } from '../store/outbox.ts'
import { createCircuitBreaker } from './circuit-breaker.ts'

function breakerAt(start = 0) {
  let time = start
  const breaker = createCircuitBreaker(
    () => time,
    () => 1,
  )
  const told = (...outcomes: DispatchOutcome[]) => {
    for (const outcome of outcomes) {
      assert.equal(breaker.enter(), true)
      breaker.leave(outcome)
    }
  }
  return { breaker, told, pass: (ms: number) => (time += ms) }
}

test('five failures in a row open it, and until its time nothing may enter', () => {
  const { breaker, told, pass } = breakerAt()
  told('unavailable', 'unknown', 'unavailable', 'unknown')
  assert.equal(breaker.state(), 'closed')
  told('unavailable')
  assert.equal(breaker.state(), 'open')
  assert.equal(breaker.enter(), false)
  pass(4_999)
  assert.equal(breaker.enter(), false)
  pass(1)
  assert.equal(breaker.state(), 'half-open')
})

test('half of at least ten within thirty seconds open it, fewer or older ones do not', () => {
  const { breaker, told, pass } = breakerAt()
  const turns = (count: number) => {
    for (let i = 0; i < count; i++) told('accepted', 'unavailable')
  }
  turns(4)
  assert.equal(breaker.state(), 'closed')
  pass(31_000)
  turns(4)
  assert.equal(breaker.state(), 'closed', 'the first are too old')
  turns(1)
  assert.equal(breaker.state(), 'open')
})

test('refusals and throttling are no failures', () => {
  const { breaker, told } = breakerAt()
  for (let i = 0; i < 50; i++) told('refused', 'throttled')
  assert.equal(breaker.state(), 'closed')
})

test('half-open lets one probe through; its success closes, its failure opens for twice as long', () => {
  const { breaker, told, pass } = breakerAt()
  told(...(Array(5).fill('unavailable') as DispatchOutcome[]))
  pass(5_000)
  assert.deepEqual([breaker.enter(), breaker.enter(), breaker.enter()], [true, false, false])
  breaker.leave('unknown')
  assert.equal(breaker.state(), 'open')
  pass(9_999)
  assert.equal(breaker.enter(), false)
  pass(1)
  assert.equal(breaker.enter(), true)
  breaker.leave('accepted')
  assert.equal(breaker.state(), 'closed')
  told('unavailable', 'unavailable', 'unavailable', 'unavailable')
  assert.equal(breaker.state(), 'closed', 'what was before is forgotten')
})

test('it is never open for more than a minute', () => {
  const { breaker, told, pass } = breakerAt()
  told(...(Array(5).fill('unavailable') as DispatchOutcome[]))
  for (let i = 0; i < 10; i++) {
    pass(60_000)
    assert.equal(breaker.enter(), true, `probe ${i}`)
    breaker.leave('unavailable')
  }
})

test('a probe that is never heard of again frees its place', () => {
  const { breaker, told, pass } = breakerAt()
  told(...(Array(5).fill('unavailable') as DispatchOutcome[]))
  pass(5_000)
  assert.equal(breaker.enter(), true)
  pass(14_999)
  assert.equal(breaker.enter(), false)
  pass(1)
  assert.equal(breaker.enter(), true)
})

test('late word of what was handed over before it opened does not close it', () => {
  const { breaker } = breakerAt()
  for (let i = 0; i < 8; i++) breaker.enter()
  for (let i = 0; i < 5; i++) breaker.leave('unavailable')
  breaker.leave('accepted')
  breaker.leave('unknown')
  assert.equal(breaker.state(), 'open')
})
