import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { callOf } from '../../../../test/http-carrier.ts'
import { vonage } from './vonage.ts'

/** Those that Vonage's own libraries are tested with. */
const fields = { a: '1', b: '2', timestamp: '1461605396' }
const signatures = {
  md5: 'c15c21ced558c93a226c305f58f902f2',
  sha1: '3e19a4e6880fdc2c1426bfd0587c98b9532f0210',
  sha256: 'a321e824b9b816be7c3f28859a31749a098713d39f613c80d455bbaffae1cd24',
  sha512:
    '812a18f76680fa0fe1b8bd9ee1625466ceb1bd96242e4d050d2cfd9a7b40166c63ed26ec9702168781b6edcf1633db8ff95af9341701004eec3fcf9550572ee8',
}

function isVerified(
  document: unknown,
  { algorithm = 'sha256', secret = 'secret', lateMs = 0 } = {},
): boolean {
  const parameters: Record<string, string> = { secret, algorithm }
  const said = { document, text: '', headers: {}, query: new URLSearchParams() }
  const nowMs = Number(fields.timestamp) * 1000 + lateMs
  return vonage((name) => parameters[name]!)({ request: callOf(), said, url: '', nowMs })
}

test('Vonage: the examples of its libraries are verified, in either case of their letters', () => {
  for (const [algorithm, sig] of Object.entries(signatures)) {
    assert.equal(isVerified({ ...fields, sig }, { algorithm }), true, algorithm)
    assert.equal(isVerified({ sig: sig.toUpperCase(), ...fields }, { algorithm }), true, algorithm)
  }
})

test('Vonage: any other signature, field, secret, algorithm or time is not', () => {
  const sig = signatures.sha256
  for (const document of [
    fields,
    { ...fields, sig: '' },
    { ...fields, sig: signatures.sha1 },
    { ...fields, sig, a: '2' },
    { ...fields, sig, c: '' },
    { a: '1', timestamp: fields.timestamp, sig },
    { ...fields, timestamp: '1461605397', sig },
    null,
    'a',
  ])
    assert.equal(isVerified(document), false, JSON.stringify(document))
  assert.equal(isVerified({ ...fields, sig }, { secret: 'other' }), false)
  assert.equal(isVerified({ ...fields, sig }, { algorithm: 'sha1' }), false)
  assert.equal(isVerified({ ...fields, sig }, { lateMs: 301_000 }), false)
  assert.equal(isVerified({ ...fields, sig }, { lateMs: -301_000 }), false)
  const text = '&a=1&b=2&timestamp=1461605396'
  const unkeyed = createHmac('sha256', '').update(text).digest('hex')
  assert.equal(isVerified({ ...fields, sig: unkeyed }, { secret: '' }), false, 'without a secret none is')
  assert.equal(isVerified({ ...fields, sig }, { algorithm: 'none' }), false)
})

test('Vonage: a value cannot pass for another field', () => {
  const sign = (text: string) => createHmac('sha256', 'secret').update(text).digest('hex')
  const sig = sign('&a=1_b_2&timestamp=1461605396')
  assert.equal(isVerified({ a: '1&b=2', timestamp: fields.timestamp, sig }), true)
  assert.equal(isVerified({ a: '1&b=2', timestamp: fields.timestamp, sig: signatures.sha256 }), false)
})
