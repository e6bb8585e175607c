import { phoneMessage } from '../../../../test/http-carrier.ts'
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
    [failed(422, 9, 'no (correct) recipients found', 'recipients'), 'refused', /^422 9 no \(correct\)/],
    [failed(422, 10, 'recipient is invalid', 'recipient'), 'refused', /^422 10 /],
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
