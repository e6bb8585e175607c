import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Dispatch } from '../message/dispatch.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { VerificationDetails } from '../verification/details.ts'
import { settlementOf } from './settlement.ts'

const now = 1_800_000_000_000
const plan: NonNullable<VerificationDetails['plan']> = [
  { channel: 'sms', afterMs: 0, unless: 'delivered' },
  { channel: 'whatsapp', afterMs: 20_000, unless: 'delivered' },
  { channel: 'voice', afterMs: 60_000, unless: 'used' },
]

function entryOf(change: Partial<OutboxEntry> = {}): OutboxEntry {
  const verification = {
    id: 'v',
    tenant: 't',
    app: 'a',
    subject: 'sub:1',
    address: 'tel:+8613800138000',
    purpose: 'verify',
    keyId: 'k',
    digits: 6,
    state: 'live',
    issuedAt: now,
    expiresAt: now + 120_000,
    submissions: 0,
    usedAt: null,
    isTest: false,
    details: { channel: 'sms', locale: 'en-US', plan },
  } as const
  return {
    message: {
      id: 'm',
      tenant: 't',
      app: 'a',
      channel: 'sms',
      to: { kind: 'phone', e164: '+8613800138000', region: 'CN' },
      locale: 'en-US',
      template: 'code',
      values: {},
      lifetimeMs: 120_000,
      cooldown: [],
      beginsPlan: true,
    },
    verification,
    queuedAt: now,
    deadlineAt: verification.expiresAt,
    remainingMs: 120_000,
    nth: 1,
    tried: [],
    unknowns: 0,
    isSecond: false,
    ...change,
  }
}
const nextOf = (entry: OutboxEntry, outcome: Dispatch['outcome'], afterMs = 1_000) => {
  const dispatch = { messageId: 'm', provider: 'p', outcome, handedOverAt: now + afterMs, tookMs: 0 }
  return settlementOf(entry, dispatch, { second: null, hasNext: false }, () => false).next
}

test('an accepted step is followed by the next one at its time, and the last by none', () => {
  const second = nextOf(entryOf(), 'accepted')
  assert.deepEqual(second, { kind: 'second', channel: 'whatsapp', afterMs: 19_000, step: 1 })
  const third = nextOf(entryOf({ isSecond: true, step: 1 }), 'accepted', 21_000)
  assert.deepEqual(third, {
    kind: 'second',
    channel: 'voice',
    afterMs: 39_000,
    step: 2,
    afterDelivery: true,
  })
  assert.deepEqual(nextOf(entryOf({ isSecond: true, step: 2 }), 'accepted', 61_000), { kind: 'done' })
})

test('times are whole milliseconds, whatever a carrier took, because stores keep no others', () => {
  const next = nextOf(entryOf(), 'accepted', 1_000.25)
  assert.ok(next.kind === 'second' && next.afterMs === 19_000)
})

test('the last moment that a start allows a step is not denied by rounding', () => {
  const verification = { ...entryOf().verification!, expiresAt: now + 80_000 }
  const last = { verification, isSecond: true, step: 1, deadlineAt: now + 80_000, remainingMs: 79_000 }
  const next = nextOf(entryOf(last), 'accepted', 1_000.25)
  assert.ok(next.kind === 'second' && next.channel === 'voice' && next.afterMs === 59_000, next.kind)
})

test('a step that was given up is followed by the next one at once, and a late one by none', () => {
  const next = nextOf(entryOf(), 'refused')
  assert.deepEqual(next, { kind: 'second', channel: 'whatsapp', afterMs: 0, step: 1 })
  const late = nextOf(entryOf({ isSecond: true, step: 1 }), 'refused', 119_000)
  assert.deepEqual(late, { kind: 'failed' })
  assert.equal(nextOf(entryOf(), 'unavailable').kind, 'retry', 'the step itself is tried again first')
})

test('a message that is sent again follows no plan, and a code that was used ends it', () => {
  const { beginsPlan: _none, ...message } = entryOf().message
  assert.deepEqual(nextOf(entryOf({ message }), 'accepted'), { kind: 'done' })
  const verification = { ...entryOf().verification!, state: 'used' as const }
  assert.deepEqual(nextOf(entryOf({ verification }), 'expired'), { kind: 'failed' })
})
