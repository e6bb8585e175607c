import { phoneMessage } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'
import type { ReceiptState } from '../../../message/receipt-state.ts'

const status = (groupId: number, groupName: string, id: number, name: string) => ({
  status: 200,
  body: {
    bulkId: '2034072219640523072',
    messages: [
      {
        destination: '15558675310',
        details: { messageCount: 1 },
        status: { groupId, groupName, id, name, description: 'Message sent to next instance' },
        messageId: '2250be2d4219-3af1-78856-aabe-1362af1edfd2',
      },
    ],
  },
})
const result = (groupName: string, name: string, error = 'NO_ERROR') => ({
  bulkId: 'BULK-ID-123-xyz',
  messageId: '2250be2d4219-3af1-78856-aabe-1362af1edfd2',
  to: '15558675310',
  sender: 'InfoSMS',
  messageCount: 1,
  price: { pricePerMessage: 0.01, currency: 'EUR' },
  status: { groupId: 3, groupName, id: 5, name, description: 'Message delivered to handset' },
  error: { groupId: 0, groupName: 'OK', id: 0, name: error, description: 'No Error', permanent: false },
})
const call =
  (results: object[], query = 'secret=s3cret') =>
  () => ({ query, body: JSON.stringify({ results }) })
const told = (state: ReceiptState, providerCode: string) => ({
  key: '2250be2d4219-3af1-78856-aabe-1362af1edfd2',
  state,
  providerCode,
  segments: 1,
  price: { amount: '0.01', currency: 'EUR' },
})

exchange({
  section: {
    carrier: 'infobip',
    baseUrl: 'https://abc123.api.infobip.com',
    apiKey: 'the-key',
    from: 'InfoSMS',
    receiptSecret: 's3cret',
  },
  request: {
    method: 'POST',
    path: '/sms/3/messages',
    headers: { authorization: 'App the-key', accept: 'application/json' },
    json: {
      messages: [
        {
          sender: 'InfoSMS',
          destinations: [{ to: '15558675310' }],
          content: { text: phoneMessage.text },
          options: { validityPeriod: { amount: 59, timeUnit: 'SECONDS' } },
          webhooks: {
            delivery: { url: 'https://codes.example.com/receipts/carrier?secret=s3cret' },
            contentType: 'application/json',
          },
        },
      ],
      options: { includeSmsCountInResponse: true },
    },
  },
  success: {
    told: status(1, 'PENDING', 26, 'PENDING_ACCEPTED'),
    accepted: { id: '2250be2d4219-3af1-78856-aabe-1362af1edfd2', segments: 1 },
  },
  failures: [
    [status(5, 'REJECTED', 8, 'REJECTED_PREFIX_MISSING'), 'refused', /REJECTED_PREFIX_MISSING/],
    [status(5, 'REJECTED', 52, 'REJECTED_DESTINATION'), 'refused', /REJECTED_DESTINATION/],
    [status(5, 'REJECTED', 11, 'REJECTED_SOURCE'), 'unavailable', /REJECTED_SOURCE/],
    [status(5, 'REJECTED', 12, 'REJECTED_NOT_ENOUGH_CREDITS'), 'unavailable', /NOT_ENOUGH_CREDITS/],
    [status(5, 'REJECTED', 20, 'REJECTED_FLOODING_FILTER'), 'throttled', /FLOODING/],
    [
      {
        status: 401,
        body: {
          requestError: { serviceException: { messageId: 'UNAUTHORIZED', text: 'Invalid login details' } },
        },
      },
      'unavailable',
      /^401 UNAUTHORIZED Invalid login details/,
    ],
    [
      { status: 400, body: { errorCode: 'E400', description: 'Request cannot be processed.' } },
      'unavailable',
      /^400 E400 Request cannot/,
    ],
    [{ status: 429 }, 'throttled', /^429/],
  ],
  receipts: [
    [
      call([
        result('PENDING', 'PENDING_ENROUTE'),
        result('DELIVERED', 'DELIVERED_TO_OPERATOR'),
        result('DELIVERED', 'DELIVERED_TO_HANDSET'),
        result('UNDELIVERABLE', 'UNDELIVERABLE_NOT_DELIVERED', 'EC_ABSENT_SUBSCRIBER'),
        result('EXPIRED', 'EXPIRED_DLR_UNKNOWN'),
        result('SOMETHING', 'NEW'),
      ]),
      [
        told('enroute', 'PENDING_ENROUTE NO_ERROR'),
        told('enroute', 'DELIVERED_TO_OPERATOR NO_ERROR'),
        told('delivered', 'DELIVERED_TO_HANDSET NO_ERROR'),
        told('undeliverable', 'UNDELIVERABLE_NOT_DELIVERED EC_ABSENT_SUBSCRIBER'),
        told('unknown', 'EXPIRED_DLR_UNKNOWN NO_ERROR'),
        told('unknown', 'NEW NO_ERROR'),
      ],
    ],
  ],
  forged: [call([result('DELIVERED', 'X')], ''), call([result('DELIVERED', 'X')], 'secret=other')],
})
