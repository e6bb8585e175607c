import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { callOf, never, phoneMessage, startCarrier } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'

const report = {
  type: 'recipient_delivery_report_sms',
  batch_id: '01FC66621XXXXX119Z8PMV1QPQ',
  recipient: '15558675310',
  code: 0,
  status: 'Delivered',
  at: '2022-08-30T08:16:08.930Z',
  encoding: 'GSM',
  number_of_message_parts: 1,
}
const call =
  (change: object = {}, query = 'secret=s3cret') =>
  () => ({ query, body: JSON.stringify({ ...report, ...change }) })
const told = (state: 'delivered' | 'undeliverable' | 'enroute' | 'unknown', providerCode: string) => [
  { key: report.batch_id, state, providerCode, segments: 1 },
]

const section = {
  carrier: 'sinch',
  servicePlanId: 'plan0123',
  apiToken: 'the-token',
  from: '+12345678900',
  receiptSecret: 's3cret',
}

exchange({
  section,
  // Its body has a time of the test; see below.
  request: {
    method: 'POST',
    path: '/xms/v1/plan0123/batches',
    headers: { authorization: 'Bearer the-token', 'content-type': 'application/json' },
  },
  success: {
    told: {
      status: 201,
      body: {
        id: '01FC66621XXXXX119Z8PMV1QPQ',
        to: ['15558675310'],
        canceled: false,
        body: phoneMessage.text,
      },
    },
    accepted: { id: '01FC66621XXXXX119Z8PMV1QPQ' },
  },
  failures: [
    [
      {
        status: 400,
        body: { code: 'syntax_constraint_violation', text: 'The syntax constraint was violated' },
      },
      'unavailable',
      /^400 syntax_constraint_violation/,
    ],
    [{ status: 401 }, 'unavailable', /^401/],
    [{ status: 429 }, 'throttled', /^429/],
  ],
  receipts: [
    [call(), told('delivered', 'Delivered 0')],
    [call({ status: 'Dispatched', code: 401 }), told('enroute', 'Dispatched 401')],
    [call({ status: 'Aborted', code: 403 }), told('undeliverable', 'Aborted 403')],
    [call({ status: 'Whatever' }), told('unknown', 'Whatever 0')],
    [call({ type: 'mo_text' }), []],
  ],
  forged: [call({}, ''), call({}, 'secret=x')],
})

test('the message says until when, in universal time, and where to call', async (t) => {
  const { provider, requests, answer, receiptUrl } = await startCarrier(t, section)
  answer({ status: 201, body: { id: report.batch_id } })
  await provider.send(phoneMessage, never)
  const { expire_at, ...rest } = requests[0]!.json as { expire_at: string }
  assert.deepEqual(rest, {
    from: '+12345678900',
    to: ['+15558675310'],
    body: phoneMessage.text,
    delivery_report: 'per_recipient',
    callback_url: `${receiptUrl}?secret=s3cret`,
    client_reference: phoneMessage.id,
  })
  assert.match(expire_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  const inMs = Date.parse(expire_at) - Date.now()
  assert.ok(inMs > 0 && inMs <= 59_500, String(inMs))
})

const signed = (body: string, nonce: string, time: string, secret: string) =>
  createHmac('sha256', secret).update(`${body}.${nonce}.${time}`).digest('base64')

test('the example of Sinch’s own libraries is signed alike', () => {
  const body =
    '{"app_id":"","accepted_time":"2021-10-18T17:49:13.813615Z","project_id":"e2df3a34-a71b-4448-9db5-a8d2baad28e4","contact_create_notification":{"contact":{"id":"01FJA8B466Y0R2GNXD78MD9SM1","channel_identities":[{"channel":"SMS","identity":"48123456789","app_id":""}],"display_name":"New Test Contact","email":"new.contact@email.com","external_id":"","metadata":"","language":"EN_US"}},"message_metadata":""}'
  assert.equal(
    signed(body, '01FJA8B4A7BM43YGWSG9GBV067', '1634579353', 'foo_secret1234'),
    '6bpJoRmFoXVjfJIVglMoJzYXxnoxRujzR4k2GOXewOE=',
  )
})

test('with its HMAC no secret is in the address, and only signed calls are taken', async (t) => {
  const { receiptSecret: _, ...rest } = section
  const own = await startCarrier(t, { ...rest, hmacSecret: 'of-the-plan' })
  own.answer({ status: 201, body: { id: report.batch_id } })
  await own.provider.send(phoneMessage, never)
  assert.equal((own.requests[0]!.json as { callback_url: string }).callback_url, own.receiptUrl)
  const body = JSON.stringify(report)
  const status = async ({ secret = 'of-the-plan', ageS = 0, over = body, query = '' } = {}) => {
    const time = String(Math.floor(Date.now() / 1000) - ageS)
    const headers = {
      'x-sinch-webhook-signature': signed(over, 'a-nonce', time, secret),
      'x-sinch-webhook-signature-nonce': 'a-nonce',
      'x-sinch-webhook-signature-timestamp': time,
      'x-sinch-webhook-signature-algorithm': 'HmacSHA256',
    }
    return (await own.provider.receipts!(callOf({ query, body, headers }))).status
  }
  assert.equal(await status({ secret: 'other' }), 403)
  assert.equal(await status({ ageS: 1000 }), 403)
  assert.equal(await status({ over: '{}' }), 403)
  for (const query of ['', 'secret=', 'secret=s3cret'])
    assert.equal((await own.provider.receipts!(callOf({ query, body }))).status, 403)
  assert.deepEqual(own.receipts, [])
  assert.equal(await status(), 200)
  assert.deepEqual(own.receipts, told('delivered', 'Delivered 0'))
})
