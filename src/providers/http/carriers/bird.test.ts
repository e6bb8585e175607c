import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { callOf, never, phoneMessage, startCarrier } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'

const id = 'efa6405d518d4c0c88cce11f7db775fb'
const failed = (status: number, code: number, description: string, parameter: string) => ({
  status,
  body: { errors: [{ code, description, parameter }] },
})
const call =
  (status: string, secret = 's3cret') =>
  () => ({
    method: 'GET' as const,
    query: new URLSearchParams({
      secret,
      id,
      reference: phoneMessage.id,
      recipient: '15558675310',
      status,
      statusReason: 'successfully delivered',
      statusErrorCode: '',
      messagePartCount: '1',
    }).toString(),
  })

exchange({
  section: { carrier: 'bird', accessKey: 'test_key', from: 'MessageBird', receiptSecret: 's3cret' },
  request: {
    method: 'POST',
    path: '/messages',
    headers: { authorization: 'AccessKey test_key' },
    json: {
      originator: 'MessageBird',
      recipients: ['15558675310'],
      body: phoneMessage.text,
      datacoding: 'auto',
      validity: 59,
      reference: phoneMessage.id,
      reportUrl: 'https://codes.example.com/receipts/carrier?secret=s3cret',
    },
  },
  success: {
    told: {
      status: 201,
      body: {
        id,
        recipients: {
          totalCount: 1,
          items: [{ recipient: 15558675310, status: 'sent', messagePartCount: 1 }],
        },
      },
    },
    accepted: { id, segments: 1 },
  },
  failures: [
    [failed(422, 9, 'no (correct) recipients found', 'recipients'), 'unavailable', /^422 9 no \(correct\)/],
    [failed(422, 10, 'recipient is invalid', 'recipient'), 'unavailable', /^422 10 /],
    [failed(422, 9, 'originator is invalid', 'originator'), 'unavailable', /^422 9 originator/],
    [failed(401, 2, 'Request not allowed (incorrect access_key)', 'access_key'), 'unavailable', /^401 2 /],
    [failed(402, 25, 'Not enough balance', ''), 'unavailable', /^402 25 /],
    [{ status: 429 }, 'throttled', /^429/],
  ],
  receipts: [
    [
      call('delivered'),
      [{ key: id, state: 'delivered', providerCode: 'delivered successfully delivered', segments: 1 }],
      'OK',
    ],
    [
      call('delivery_failed'),
      [
        {
          key: id,
          state: 'undeliverable',
          providerCode: 'delivery_failed successfully delivered',
          segments: 1,
        },
      ],
    ],
    [call('new'), [{ key: id, state: 'unknown', providerCode: 'new successfully delivered', segments: 1 }]],
  ],
  forged: [call('delivered', ''), call('delivered', 'other')],
})

test('with a signing key no secret is in the address, and only signed calls are taken', async (t) => {
  const own = await startCarrier(t, {
    carrier: 'bird',
    accessKey: 'k',
    from: 'X',
    signingKey: 'of-the-account',
  })
  own.answer({ status: 201, body: { id } })
  await own.provider.send(phoneMessage, never)
  assert.equal((own.requests[0]!.json as { reportUrl: string }).reportUrl, own.receiptUrl)
  const query =
    'id=efa6405d518d4c0c88cce11f7db775fb&status=delivered&statusDatetime=2016-05-03T08%3A58%3A10%2B00%3A00'
  const status = async ({ key = 'of-the-account', over = query, ageS = 0 } = {}) => {
    const nbf = Math.floor(Date.now() / 1000) - ageS
    const url_hash = createHash('sha256').update(`${own.receiptUrl}?${over}`).digest('hex')
    const parts = [
      { alg: 'HS256', typ: 'JWT' },
      { iss: 'MessageBird', nbf, exp: nbf + 60, jti: 'once', url_hash },
    ].map((one) => Buffer.from(JSON.stringify(one)).toString('base64url'))
    const text = parts.join('.')
    const token = `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
    const headers = { 'messagebird-signature-jwt': token }
    return (await own.provider.receipts!(callOf({ method: 'GET', query, headers }))).status
  }
  assert.equal(await status({ key: 'other' }), 403)
  assert.equal(await status({ over: query.replace('delivered', 'sent') }), 403)
  assert.equal(await status({ ageS: 1000 }), 403)
  assert.equal(
    (await own.provider.receipts!(callOf({ method: 'GET', query: `secret=&${query}` }))).status,
    403,
  )
  assert.deepEqual(own.receipts, [])
  assert.equal(await status(), 200)
  assert.deepEqual(own.receipts, [{ key: id, state: 'delivered', providerCode: 'delivered' }])
})
