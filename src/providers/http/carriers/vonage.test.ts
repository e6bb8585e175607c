import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { callOf, never, phoneMessage, startCarrier } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'

const answered = (message: object) => ({ status: 200, body: { 'message-count': '1', messages: [message] } })
const receipt = {
  msisdn: '447700900000',
  to: 'AcmeInc',
  'network-code': '12345',
  messageId: '0A0000001234567B',
  price: '0.03330000',
  status: 'delivered',
  scts: '2001011400',
  'err-code': '0',
  'message-timestamp': '2020-01-01 12:00:00 +0000',
}
const call =
  (change: object = {}, query = 'secret=told+only+to+it') =>
  () => ({
    query,
    body: JSON.stringify({ ...receipt, ...change }),
  })

const section = {
  carrier: 'vonage',
  apiKey: 'abcd1234',
  apiSecret: 'Abcdef0123456789',
  from: 'AcmeInc',
  receiptSecret: 'told only to it',
}

exchange({
  section,
  request: {
    method: 'POST',
    path: '/sms/json',
    form: {
      api_key: 'abcd1234',
      api_secret: 'Abcdef0123456789',
      to: '15558675310',
      from: 'AcmeInc',
      text: phoneMessage.text,
      ttl: '59000',
      'client-ref': phoneMessage.id,
      callback: 'https://codes.example.com/receipts/carrier?secret=told+only+to+it',
    },
  },
  success: {
    told: answered({
      to: '447700900000',
      'message-id': '0A0000001234567B',
      status: '0',
      'remaining-balance': '3.14159265',
      'message-price': '0.03330000',
      network: '12345',
    }),
    accepted: { id: '0A0000001234567B', segments: 1, price: { amount: '0.03330000', currency: 'EUR' } },
  },
  failures: [
    [answered({ status: '1', 'error-text': 'Throughput Rate Exceeded' }), 'throttled', /^200 1 Throughput/],
    [answered({ status: '10', 'error-text': 'Too Many Existing Binds' }), 'throttled', /^200 10 Too/],
    [answered({ status: '4', 'error-text': 'Invalid Credentials' }), 'unavailable', /^200 4 Invalid Cred/],
    [
      answered({ status: '7', 'error-text': 'Number barred: 15558675310' }),
      'unavailable',
      /^200 7 Number barred/,
    ],
    [answered({ status: '33', 'error-text': 'Number De-activated' }), 'refused', /^200 33 Number/],
    [answered({ status: '9', 'error-text': 'Partner quota violation' }), 'unavailable', /9 Partner quota/],
    [{ status: 503 }, 'unavailable', /^503/],
  ],
  receipts: [
    [
      call(),
      [
        {
          key: '0A0000001234567B',
          state: 'delivered',
          providerCode: 'delivered 0',
          price: { amount: '0.03330000', currency: 'EUR' },
        },
      ],
    ],
    [
      call({ status: 'failed', 'err-code': '6', price: undefined }),
      [{ key: '0A0000001234567B', state: 'undeliverable', providerCode: 'failed 6' }],
    ],
    [
      call({ status: 'something new', price: undefined }),
      [{ key: '0A0000001234567B', state: 'unknown', providerCode: 'something new 0' }],
    ],
  ],
  forged: [call({}, ''), call({}, 'secret='), call({}, 'secret=guessed')],
})

test('with signed webhooks no secret is in the address, and only signed calls are taken', async (t) => {
  const { receiptSecret: _, ...rest } = section
  const own = await startCarrier(t, { ...rest, signatureSecret: 'of-the-account', signatureMethod: 'sha512' })
  own.answer(answered({ 'message-id': receipt.messageId, status: '0' }))
  await own.provider.send(phoneMessage, never)
  assert.equal(own.requests[0]!.form.callback, own.receiptUrl)
  const status = async ({ secret = 'of-the-account', ageS = 0, hash = 'sha512', change = {} } = {}) => {
    const fields: Record<string, string> = {
      ...receipt,
      'api-key': 'abcd1234',
      nonce: 'ec11dd3e-1e7f-4db5-9467-82b02cd223b9',
      timestamp: String(Math.floor(Date.now() / 1000) - ageS),
    }
    const text = Object.keys(fields)
      .sort()
      .map((name) => `&${name}=${fields[name]}`)
      .join('')
    const sig = createHmac(hash, secret).update(text).digest('hex').toUpperCase()
    const body = JSON.stringify({ ...fields, sig, ...change })
    return (await own.provider.receipts!(callOf({ body }))).status
  }
  assert.equal(await status({ secret: 'other' }), 403)
  assert.equal(await status({ ageS: 1000 }), 403)
  assert.equal(await status({ hash: 'sha256' }), 403)
  assert.equal(await status({ change: { status: 'failed' } }), 403)
  assert.equal((await own.provider.receipts!(callOf(call()()))).status, 403)
  assert.deepEqual(own.receipts, [])
  assert.equal(await status(), 200)
  assert.deepEqual(
    own.receipts.map(({ key, state }) => [key, state]),
    [['0A0000001234567B', 'delivered']],
  )
})
