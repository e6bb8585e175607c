import { phoneMessage } from '../../../../test/http-carrier.ts'
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

exchange({
  section: {
    carrier: 'sinch',
    servicePlanId: 'plan0123',
    apiToken: 'the-token',
    from: '+12345678900',
    receiptSecret: 's3cret',
  },
  // The time of its end is that of the call; the test of liquid's date is in its own library.
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
