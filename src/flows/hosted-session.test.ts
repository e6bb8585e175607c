import assert from 'node:assert/strict'
import { test } from 'node:test'
import { newKeyLine, parseKeyRing } from '../code/key-ring.ts'
import {
  type HostedSession,
  newSessionId,
  openResult,
  openSession,
  sealResult,
  sealSession,
} from './hosted-session.ts'

const ring = parseKeyRing(newKeyLine(new Date(0)))
const session: HostedSession = {
  id: newSessionId(),
  keyHash: 'hash',
  wishes: { subject: 'u_42' },
  asks: 'either',
  to: null,
  returnUrl: 'https://shop.example/done',
  frameAncestors: [],
  locale: 'zh-CN',
  theme: 'auto',
  verification: null,
  expiresAt: 1000,
}

test('a session is read from its token until its end, by this server alone', () => {
  const token = sealSession(ring, session)
  assert.deepEqual(openSession(ring, token, 999), session)
  assert.equal(openSession(ring, token, 1000), undefined)
  assert.equal(openSession(parseKeyRing(newKeyLine(new Date(0))), token, 0), undefined)
  for (const other of [
    `${token}A`,
    `${token}AA`,
    `${token}=`,
    ` ${token}`,
    token.slice(0, -2),
    token.replace('.', '.A'),
    '',
    'x',
    'x.y',
  ])
    assert.equal(openSession(ring, other, 0), undefined, other)
})

test('a result is no session, and a session is no result', () => {
  const result = sealResult(ring, { session: session.id, app: 'a', verification: 'v', channel: 'sms' }, 0)
  assert.equal(openResult(ring, result, 0)?.verification, 'v')
  assert.equal(openResult(ring, result, 600_000), undefined)
  assert.equal(openSession(ring, result, 0), undefined)
  assert.equal(openResult(ring, sealSession(ring, session), 0), undefined)
})
