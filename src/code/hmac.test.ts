import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { hmacSha256 } from './hmac.ts'

test('the MAC is that of RFC 4231, test cases 1 and 2', () => {
  const cases = [
    [Buffer.alloc(20, 0x0b), 'Hi There', 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
    [
      Buffer.from('Jefe'),
      'what do ya want for nothing?',
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    ],
  ] as const
  for (const [key, text, mac] of cases) assert.equal(hmacSha256(key)(text), mac)
})

test('the MAC is that of node:crypto, for any key, and texts of any length one after the other', () => {
  const texts = fc.array(
    fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 300, maxLength: 2_000, unit: 'binary' })),
    { minLength: 1, maxLength: 5 },
  )
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), texts, (key, all) => {
      const mac = hmacSha256(key)
      for (const text of all)
        assert.equal(mac(text), createHmac('sha256', key).update(text, 'utf8').digest('hex'))
    }),
  )
})

test('a key longer than a block is refused, rather than cut', () => {
  assert.throws(() => hmacSha256(Buffer.alloc(65)), RangeError)
})
