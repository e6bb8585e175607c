import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DispatchOutcome } from '../message/dispatch.ts'
import { createCircuitBreaker } from './circuit-breaker.ts'

function breakerAt(start = 0) {
  let time = start
  const breaker = createCircuitBreaker(
    () => time,
    () => 1,
  )
  const enter = () => {
    const entered = breaker.enter()
    assert.ok(entered, `is ${breaker.state()}`)
    return entered
  }
  const told = (...outcomes: DispatchOutcome[]) => {
    for (const outcome of outcomes) enter().leave(outcome)
  }
  return { breaker, enter, told, pass: (ms: number) => (time += ms) }
}

const five = Array<DispatchOutcome>(5).fill('unavailable')

test('five failures in a row open it, and until its time nothing may enter', () => {
  const { breaker, told, pass } = breakerAt()
  told('unavailable', 'unknown', 'unavailable', 'unknown')
  assert.equal(breaker.state(), 'closed')
  told('unavailable')
  assert.equal(breaker.state(), 'open')
  assert.equal(breaker.enter(), undefined)
  pass(4_999)
  assert.equal(breaker.enter(), undefined)
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
  const { breaker, enter, told, pass } = breakerAt()
  told(...five)
  pass(5_000)
  const probe = enter()
  assert.deepEqual([breaker.enter(), breaker.enter()], [undefined, undefined])
  probe.leave('unknown')
  assert.equal(breaker.state(), 'open')
  pass(9_999)
  assert.equal(breaker.enter(), undefined)
  pass(1)
  told('accepted')
  assert.equal(breaker.state(), 'closed')
  told('unavailable', 'unavailable', 'unavailable', 'unavailable')
  assert.equal(breaker.state(), 'closed', 'what was before is forgotten')
})

test('it is never open for more than a minute', () => {
  const { told, pass } = breakerAt()
  told(...five)
  for (let i = 0; i < 10; i++) {
    pass(60_000)
    told('unavailable')
  }
})

test('a probe that is never heard of again frees its place', () => {
  const { breaker, enter, told, pass } = breakerAt()
  told(...five)
  pass(5_000)
  const lost = enter()
  pass(14_999)
  assert.equal(breaker.enter(), undefined)
  pass(1)
  enter()
  lost.leave('unknown')
  assert.equal(breaker.state(), 'half-open', 'and is not taken for the next one')
})

test('a throttled probe tells nothing: the next one goes at once', () => {
  const { breaker, enter, told, pass } = breakerAt()
  told(...five)
  pass(5_000)
  enter().leave('throttled')
  assert.equal(breaker.state(), 'half-open')
  enter()
})

test('late word of what was handed over before neither opens nor closes it, at any time', () => {
  const { breaker, enter, told, pass } = breakerAt()
  const slow = Array.from({ length: 12 }, enter)
  const late = (outcome: DispatchOutcome) => slow.pop()!.leave(outcome)
  told(...five)
  late('accepted')
  late('unknown')
  assert.equal(breaker.state(), 'open')
  pass(5_000)
  const probe = enter()
  late('accepted')
  assert.equal(breaker.state(), 'half-open', 'an old success is not that of the probe')
  late('unavailable')
  assert.equal(breaker.state(), 'half-open', 'nor an old failure')
  probe.leave('accepted')
  for (let i = 0; i < 8; i++) late('unavailable')
  assert.equal(breaker.state(), 'closed', 'and a time-out of then is none of now')
})

test('a message with nowhere else to go may enter; taken, it closes, failed, it changes nothing', () => {
  const { breaker, told, pass } = breakerAt()
  told(...five)
  breaker.enterAnyway().leave('unavailable')
  pass(5_000)
  assert.equal(breaker.state(), 'half-open', 'not open for longer')
  told('unavailable')
  assert.equal(breaker.state(), 'open')
  breaker.enterAnyway().leave('accepted')
  assert.equal(breaker.state(), 'closed')
})

test('whoever asked is told why it opened and for how long, of each probe that failed, and that it closed', () => {
  let time = 0
  const changes: string[] = []
  const breaker = createCircuitBreaker(
    () => time,
    () => 1,
    (change) => changes.push(change.kind === 'opened' ? `${change.why}: ${change.forMs}` : change.kind),
  )
  for (const outcome of five) breaker.enter()!.leave(outcome)
  time = 5_000
  breaker.enter()!.leave('unknown')
  time = 15_000
  breaker.enter()!.leave('accepted')
  assert.deepEqual(changes, [
    '5 failures in a row, the last unavailable: 5000',
    'its probe was unknown: 10000',
    'closed',
  ])
})
