import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseKeyRing } from './key-ring.ts'
import { isSecretOf, secretOf } from './secret.ts'

const line = (id: string, byte: number) => `${id}:${Buffer.alloc(32, byte).toString('base64url')}`
const ring = parseKeyRing(`${line('a', 1)}\n${line('b', 2)}`)

test('a secret is of one verification, and lives as long as its key is in the ring', () => {
  const secret = secretOf(ring.keys.get('a')!, 'one')
  assert.match(secret, /^vs_[A-Za-z0-9_-]{22}$/)
  assert.ok(isSecretOf(ring, 'one', secret))
  assert.equal(isSecretOf(ring, 'other', secret), false)
  for (const wrong of ['', 'vs_', `${secret}x`, secret.toLowerCase()])
    assert.equal(isSecretOf(ring, 'one', wrong), false, wrong)
  assert.equal(isSecretOf(parseKeyRing(line('b', 2)), 'one', secret), false)
})
