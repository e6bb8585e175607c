import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deriveCode } from '../code/derive-code.ts'
import { parseKeyRing } from '../code/key-ring.ts'
import { decideSubmission } from './decide-submission.ts'
import { maxLifetimeMs, newVerificationId, type Verification } from './verification.ts'

const line = (id: string, byte: number) => `${id}:${Buffer.alloc(32, byte).toString('base64url')}`
const ring = parseKeyRing(line('a', 1))
const now = 1_000_000

const record: Verification = {
  id: newVerificationId(now, 'tel:+8613800138000'),
  tenant: 't',
  app: 'a',
  subject: 'm',
  address: 'tel:+8613800138000',
  purpose: 'new-contact',
  keyId: 'a',
  digits: 6,
  state: 'live',
  issuedAt: now,
  expiresAt: now + 60_000,
  submissions: 1,
  usedAt: null,
  isTest: false,
  details: null,
}
const code = deriveCode(ring.newest, record, 6)

test('the right code matches while it lives, to the millisecond', () => {
  assert.equal(decideSubmission(record, code, ring, now + 59_999).kind, 'match')
  assert.deepEqual(decideSubmission(record, code, ring, now + 60_000), {
    kind: 'refused',
    reason: 'expired',
    isLate: true,
  })
})

test('unknown, used, dead, expired and wrong are refused even with the right digits', () => {
  const reason = (one: Verification | undefined, entered = code) => {
    const outcome = decideSubmission(one, entered, ring, now)
    return outcome.kind === 'refused' && outcome.reason
  }
  assert.equal(reason(undefined), 'unknown')
  assert.equal(reason({ ...record, state: 'used' }), 'used')
  assert.equal(reason({ ...record, state: 'dead' }), 'dead')
  assert.equal(reason({ ...record, expiresAt: now }), 'expired')
  for (const entered of ['', '000000', `${code} `, `${code}0`, code.slice(1), Number(code).toString(16)])
    assert.equal(reason(record, entered), 'wrong', entered)
})

test('N-7: a record with any one part changed refuses the code', () => {
  for (const part of ['tenant', 'app', 'subject', 'address', 'purpose', 'id'] as const)
    assert.equal(
      decideSubmission({ ...record, [part]: `${record[part]}x` } as Verification, code, ring, now).kind,
      'refused',
    )
})

test('codes outlive a rotation, but not their key’s leaving the ring', () => {
  assert.equal(
    decideSubmission(record, code, parseKeyRing(`${line('a', 1)}\n${line('b', 2)}`), now).kind,
    'match',
  )
  assert.equal(decideSubmission(record, code, parseKeyRing(line('b', 2)), now).kind, 'refused')
  // Not even if the remaining key would, by its place, make the same code.
  assert.equal(decideSubmission(record, code, parseKeyRing(line('b', 1)), now).kind, 'refused')
})

test('a test address takes its fixed code and no derived one', () => {
  const test = { ...record, isTest: true }
  assert.equal(decideSubmission(test, '424242', ring, now, '424242').kind, 'match')
  assert.equal(decideSubmission(test, code, ring, now, '424242').kind, 'refused')
  assert.equal(
    decideSubmission(test, code, ring, now, undefined).kind,
    'refused',
    'after its date it has none',
  )
  assert.equal(
    decideSubmission(record, '424242', ring, now, '424242').kind,
    'refused',
    'issued before it was one',
  )
})

test('N-2: no code is accepted ten minutes after its issue, whatever its record says', () => {
  assert.equal(maxLifetimeMs, 600_000)
  const lasting = { ...record, expiresAt: now + 3_600_000 }
  assert.equal(decideSubmission(lasting, code, ring, now + 599_999).kind, 'match')
  assert.equal(decideSubmission(lasting, code, ring, now + 600_000).kind, 'refused')
})

test('ids are unique and increase with time', () => {
  const ids = Array.from({ length: 20_000 }, (_, i) => newVerificationId(now + i, 'tel:+8613800138000'))
  assert.equal(new Set(ids).size, ids.length)
  assert.deepEqual(ids, ids.toSorted())
  assert.match(ids[0]!, /^[0-9a-f]{47}$/)
})
