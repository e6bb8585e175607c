import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordedDispatch } from '../store/dispatches.ts'
import type { Verification } from '../verification/verification.ts'
import { timelineOf } from './verification-timeline.ts'

const record: Verification = {
  id: 'v',
  tenant: 't',
  app: 'a',
  subject: 'm',
  address: 'tel:+8613800138000',
  purpose: 'new-contact',
  keyId: 'k',
  digits: 6,
  state: 'live',
  issuedAt: 1000,
  expiresAt: 61_000,
  submissions: 1,
  usedAt: null,
  isTest: false,
  details: null,
}

const dispatch: RecordedDispatch = {
  message: 'm1',
  nth: 1,
  channel: 'sms',
  provider: 'one',
  region: 'CN',
  outcome: 'unknown',
  providerCode: 'no answer in time',
  providerMessageId: '',
  queuedAt: 1000,
  handedOverAt: 1002,
  answeredAt: 3502,
  segments: null,
  price: null,
  next: 'retry',
  isLate: false,
  receipt: null,
}

test('a timeline tells each step in order, and which hand-over may be a copy', () => {
  const second: RecordedDispatch = {
    ...dispatch,
    nth: 2,
    provider: 'two',
    outcome: 'accepted',
    providerCode: '',
    handedOverAt: 3900,
    answeredAt: 3950,
    next: 'done',
    receipt: { state: 'delivered', at: 5000, providerCode: 'DELIVRD 000' },
  }
  const used = { ...record, state: 'used' as const, usedAt: 9000 }
  const { steps, state, address } = timelineOf(used, [dispatch, second], 100_000)
  assert.equal(state, 'used')
  assert.equal(address, '+86138****8000')
  assert.deepEqual(
    steps.map(({ at, event, provider = '', outcome = '', mayBeCopy = false }) =>
      [at, event, provider, outcome, mayBeCopy ? 'copy?' : ''].join(' ').trim(),
    ),
    [
      '1000 issued',
      '1000 queued',
      '1002 handed-over one',
      '3502 answered one unknown',
      '3900 handed-over two  copy?',
      '3950 answered two accepted',
      '5000 receipt two delivered',
      '9000 used',
    ],
  )
})

test('a code that ran out is expired, and says when', () => {
  const { state, steps } = timelineOf(record, [], 61_000)
  assert.equal(state, 'expired')
  assert.deepEqual(steps.at(-1), { at: 61_000, event: 'expired' })
  assert.equal(timelineOf(record, [], 60_999).state, 'live')
})

test('an address that no longer parses is hidden whole', () => {
  assert.equal(timelineOf({ ...record, address: 'tel:+1' }, [], 0).address, '****')
})

test('a code that no carrier took ends with having been given up, and why', () => {
  const failed: RecordedDispatch = {
    ...dispatch,
    outcome: 'unavailable',
    providerCode: '500',
    next: 'failed',
  }
  const { steps } = timelineOf(record, [failed], 10_000)
  assert.deepEqual(steps.at(-1), {
    at: 3502,
    event: 'given-up',
    message: 'm1',
    channel: 'sms',
    outcome: 'unavailable',
  })
  const endsOf = (dispatches: readonly RecordedDispatch[], of = record) =>
    timelineOf(of, dispatches, 10_000).steps.some(({ event }) => event === 'given-up')
  const accepted: RecordedDispatch = { ...dispatch, outcome: 'accepted', next: 'second' }
  assert.equal(endsOf([accepted, { ...failed, nth: 2 }]), false, 'its first channel took it')
  assert.equal(endsOf([{ ...failed, isLate: true }]), false, 'somebody else had gone on with it')
  assert.equal(endsOf([failed], { ...record, state: 'used', usedAt: 2000 }), false, 'it was used before')
})
