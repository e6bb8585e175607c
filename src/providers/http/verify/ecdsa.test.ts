import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callOf } from '../../../../test/http-carrier.ts'
import { ecdsa } from './ecdsa.ts'

/** That SendGrid's own libraries are tested with. */
const vector = {
  publicKey:
    'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA==',
  signature:
    'MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0=',
  timestamp: '1588788367',
  body: '{"category":"example_payload","event":"test_event","message_id":"message_id"}',
}
const another =
  'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqTxd43gyp8IOEto2LdIfjRQrIbsd4SXZkLW6jDutdhXSJCWHw8REntlo7aNDthvj+y7GjUuFDb/R1NGe1OPzpA=='

function isVerified(change: Partial<typeof vector> = {}, lateMs = 0): boolean {
  const { publicKey, signature, timestamp, body } = { ...vector, ...change }
  const parameters: Record<string, string> = { publicKey, signature: 'X-Signature', timestamp: 'X-Timestamp' }
  const request = callOf({ body, headers: { 'x-signature': signature, 'x-timestamp': timestamp } })
  const said = { document: undefined, text: '', headers: {}, query: new URLSearchParams() }
  const nowMs = Number(vector.timestamp) * 1000 + lateMs
  return ecdsa((name) => parameters[name]!)({ request, said, url: '', nowMs })
}

test('ECDSA: the example of SendGrid is verified, by no other key, body, time or signature', () => {
  assert.equal(isVerified(), true)
  for (const change of [
    { publicKey: another },
    { body: `${vector.body} ` },
    { timestamp: '1588788368' },
    { signature: vector.signature.replace('NH2j', 'NH3j') },
    { signature: '' },
    { signature: 'no signature' },
  ])
    assert.equal(isVerified(change), false, JSON.stringify(change))
})

test('ECDSA: not once it is five minutes old', () => {
  assert.equal(isVerified({}, 300_000), true)
  assert.equal(isVerified({}, 301_000), false)
})
