import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { never, phoneMessage, startCarrier } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'

const authToken = 'the-token-of-plivo'
const uuid = 'db3ce55a-7f1d-11e1-8ea7-1231380bc196'
const url = 'https://codes.example.com/receipts/carrier'
const signed = (base: string, nonce: string, token = authToken) =>
  createHmac('sha256', token)
    .update(base + nonce)
    .digest('base64')
const call =
  (fields: Record<string, string> = {}, signature = signed(url, '12345')) =>
  () => ({
    headers: { 'x-plivo-signature-v2': signature, 'x-plivo-signature-v2-nonce': '12345' },
    body: new URLSearchParams({
      From: '15557122661',
      To: '15558675310',
      Status: 'delivered',
      MessageUUID: uuid,
      Units: '1',
      TotalAmount: '0.00350',
      ...fields,
    }).toString(),
  })
const told = (state: 'delivered' | 'undeliverable' | 'unknown', providerCode: string) => [
  { key: uuid, state, providerCode, segments: 1, price: { amount: '0.00350', currency: 'USD' } },
]

const section = { carrier: 'plivo', authId: 'MAXXXXXXXXXXXXXXXXXX', authToken, from: '+15557122661' }

exchange({
  section,
  request: {
    method: 'POST',
    path: '/v1/Account/MAXXXXXXXXXXXXXXXXXX/Message/',
    headers: { authorization: `Basic ${btoa(`MAXXXXXXXXXXXXXXXXXX:${authToken}`)}` },
    json: {
      src: '+15557122661',
      dst: '+15558675310',
      text: phoneMessage.text,
      url,
      method: 'POST',
      log: false,
      message_expiry: 59,
    },
  },
  success: {
    told: { status: 202, body: { message: 'message(s) queued', message_uuid: [uuid], api_id: 'x' } },
    accepted: { id: uuid },
  },
  failures: [
    [
      { status: 400, body: { api_id: 'x', error: 'dst parameter is invalid' } },
      'unavailable',
      /^400 dst param/,
    ],
    [
      {
        status: 202,
        body: { message: 'message(s) queued', message_uuid: [], invalid_number: ['15558675310'] },
      },
      'refused',
      /^202/,
    ],
    [{ status: 401, body: 'could not verify' }, 'unavailable', /^401/],
    [{ status: 429 }, 'throttled', /^429/],
  ],
  receipts: [
    [call(), told('delivered', 'delivered')],
    [call({ Status: 'undelivered', ErrorCode: '30' }), told('undeliverable', 'undelivered 30')],
    [call({ Status: 'odd' }), told('unknown', 'odd')],
  ],
  forged: [call({}, ''), call({}, signed(url, '99')), call({}, signed(url, '12345', 'other'))],
})

test('a notice, which lives for a day, is given the three hours that Plivo takes', async (t) => {
  const { provider, requests, answer } = await startCarrier(t, section)
  answer({ status: 202, body: { message_uuid: [uuid] } })
  await provider.send({ ...phoneMessage, remainingMs: 86_400_000 }, never)
  assert.equal((requests[0]!.json as { message_expiry: number }).message_expiry, 10_800)
})

test('the example of Plivo’s own libraries is signed alike', () => {
  const expected = 'ehV3IKhLysWBxC1sy8INm0qGoQYdYsHwuoKjsX7FsXc='
  assert.equal(signed('https://answer.url', '12345', 'my_auth_token'), expected)
})
