import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  callOf,
  failureOf,
  mailMessage,
  never,
  phoneMessage,
  plainBlock,
  startCarrier,
} from '../../../test/http-carrier.ts'
import { wordsOf } from './recorded-words.ts'

const secret = 'key of ours/with=signs'

test('a code or a number is masked however it is written; short numbers and error codes stay', () => {
  for (const [told, kept] of [
    ['to +15558675310 failed', 'to +… failed'],
    ['to +1 (555) 867-5310 failed', 'to +… failed'],
    ['to 555.867.5310', 'to …'],
    ['Your code is 012345.', 'Your code is ….'],
    ['Your code is 0, 1, 2, 3, 4, 5', 'Your code is …'],
    ['您的验证码是0，1，2，3，4，5', '您的验证码是…'],
    ['code 012 345', 'code …'],
    ['code:012-345', 'code:…'],
    ['x012345x', 'x…x'],
    ['%2B15558675310', '%2B…'],
    ['error 21211 in part 2', 'error 21211 in part 2'],
    ['E200033', 'E200033'],
    ['E200033 for E200033', 'E… for E…'],
    ['e200033', 'e…'],
  ] as const)
    assert.equal(wordsOf([told], []), kept, told)
})

test('a mailbox is masked, plain or as in a URL, and so is one that carriers cut', () => {
  for (const told of [
    'no such user li.na@example.com!',
    'no such user <li.na@example.com>',
    'GET /?to=li.na%40example.com',
    'unknown: "李娜@例子.中国"',
  ])
    assert.doesNotMatch(wordsOf([told], []), /li\.na|example|李娜|例子/i, told)
  assert.equal(wordsOf(['user Li.Na is unknown'], ['Li.Na@example.com', 'Li.Na']), 'user … is unknown')
})

test('a secret is masked, plain or as in a URL, and also where it is like an error code', () => {
  assert.equal(wordsOf([`no ${secret}!`], [secret]), 'no …!')
  assert.equal(wordsOf([`/send?k=${encodeURIComponent(secret)}&a=1`], [secret]), '/send?k=…&a=1')
  assert.equal(wordsOf(['AB123456'], ['AB123456']), '…')
})

test('parts are searched each by itself, in one line of at most 160 characters', () => {
  assert.equal(wordsOf([400, '21211', 'not\r\na\tnumber\u202e', null, ''], []), '400 21211 not a number')
  const long = wordsOf([`${'x'.repeat(159)}😀`], [])
  assert.equal(long.length, 160)
  assert.equal(long.isWellFormed(), true)
})

test('whatever is around a code, a mailbox and a secret, and wherever it is cut, none is left', () => {
  const around = fc.string({ unit: fc.constantFrom(...'ab .,:;"\'<>()[]{}=&+-/\\_\n验证码'), maxLength: 80 })
  const code = fc.stringMatching(/^[0-9]{6,10}$/)
  fc.assert(
    fc.property(fc.array(around, { minLength: 4, maxLength: 4 }), code, ([a, b, c, d], digits) => {
      const told = `${a}${digits}${b}\nli.na@example.com ${c} ${secret}${d}`
      const kept = wordsOf([told], [secret])
      assert.ok(kept.length <= 160)
      assert.ok(!kept.includes(digits) && !kept.includes('li.na') && !kept.includes('with='), kept)
      assert.doesNotMatch(kept, /\d{6}|[\r\n]/)
    }),
    { numRuns: 1_000 },
  )
})

test('what a carrier echoes of a request is masked, in its answers and its call-backs', async (t) => {
  const apiKey = 'the-key-of-ours'
  const block = {
    ...plainBlock,
    channels: ['sms', 'email'],
    needs: { apiKey: { description: 'A key.', secret: true } },
    receipts: {
      parse: 'json',
      key: '/id',
      state: '/state',
      states: { failed: 'undeliverable' },
      words: ['/why'],
      verify: { secret: { header: 'x-key', value: '{{ apiKey }}' } },
    },
  }
  const { provider, answer, receipts } = await startCarrier(t, { block: block as never, apiKey })
  const why = `${apiKey} may not send 012345 to +15558675310, Li.Na@example.com or Li.Na`
  const kept = /^\S+ … may not send … to \+…, … or /
  answer({ status: 400, body: { why } })
  for (const message of [phoneMessage, mailMessage]) {
    const { providerCode } = await failureOf(provider.send(message, never))
    assert.match(providerCode, kept)
    assert.doesNotMatch(providerCode, /the-key|012345|555|example/)
    if (message === mailMessage) assert.doesNotMatch(providerCode, /Li\.Na/)
  }
  const body = JSON.stringify({ id: '1', state: 'failed', why })
  assert.equal((await provider.receipts!(callOf({ body, headers: { 'x-key': apiKey } }))).status, 200)
  assert.match(receipts[0]!.providerCode, kept)
  assert.doesNotMatch(receipts[0]!.providerCode, /the-key|012345|555|example/)
})
