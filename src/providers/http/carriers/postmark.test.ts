import { mailMessage } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'

const id = '883953f4-6105-42a2-a16a-77a8eac79483'
const failed = (status: number, ErrorCode: number, Message: string) => ({
  status,
  body: { ErrorCode, Message },
})
const call =
  (told: object, password = 'p4ss') =>
  () => ({
    headers: { authorization: `Basic ${btoa(`postmark:${password}`)}` },
    body: JSON.stringify({ MessageID: id, Recipient: 'li.na@example.com', ...told }),
  })

exchange({
  section: {
    carrier: 'postmark',
    serverToken: 'server-token',
    from: 'no-reply@example.com',
    receiptPassword: 'p4ss',
  },
  message: mailMessage,
  request: {
    method: 'POST',
    path: '/email',
    headers: { 'x-postmark-server-token': 'server-token', accept: 'application/json' },
    json: {
      From: '"Countersign" <no-reply@example.com>',
      To: 'Li.Na@example.com',
      Subject: mailMessage.subject,
      TextBody: mailMessage.text,
      HtmlBody: mailMessage.html,
      MessageStream: 'outbound',
      TrackOpens: false,
      TrackLinks: 'None',
      Headers: [
        { Name: 'Auto-Submitted', Value: 'auto-generated' },
        { Name: 'X-Auto-Response-Suppress', Value: 'All' },
      ],
      Metadata: { countersign: mailMessage.id },
    },
  },
  success: {
    told: {
      status: 200,
      body: {
        To: 'Li.Na@example.com',
        SubmittedAt: '2014-02-17T07:25:01Z',
        MessageID: id,
        ErrorCode: 0,
        Message: 'OK',
      },
    },
    accepted: { id },
  },
  failures: [
    [
      failed(422, 406, 'You tried to send to a recipient that has been marked as inactive.'),
      'unavailable',
      /^422 406 You/,
    ],
    [failed(422, 300, "Invalid 'To' address: 'Li.Na@example.com'."), 'refused', /^422 300 Invalid 'To'/],
    [failed(422, 300, "Invalid 'From' address."), 'unavailable', /^422 300 Invalid 'From'/],
    [failed(200, 402, 'Incomplete JSON'), 'unavailable', /^200 402 /],
    [failed(422, 412, 'Account is pending approval'), 'unavailable', /^422 412 /],
    [failed(401, 10, 'No Account or Server API tokens were supplied'), 'unavailable', /^401 10 /],
    [failed(429, 429, 'Rate limit exceeded'), 'throttled', /^429 /],
  ],
  receipts: [
    [
      call({ RecordType: 'Delivery', DeliveredAt: '2019-11-05T16:33:54.0Z', Details: 'Test delivery' }),
      [{ key: id, state: 'delivered', providerCode: 'Delivery' }],
    ],
    [
      call({ RecordType: 'Bounce', Type: 'HardBounce', TypeCode: 1, Description: 'The server was unable' }),
      [{ key: id, state: 'undeliverable', providerCode: 'Bounce HardBounce The server was unable' }],
    ],
    [
      call({ RecordType: 'Bounce', Type: 'NewType', Description: 'Something' }),
      [{ key: id, state: 'undeliverable', providerCode: 'Bounce NewType Something' }],
    ],
    [call({ RecordType: 'Bounce', Type: 'AutoResponder', Description: 'Away until Monday' }), []],
    [call({ RecordType: 'Bounce', Type: 'Transient', Description: 'Delayed' }), []],
    [call({ RecordType: 'Open' }), []],
    [call({ RecordType: 'New' }), [{ key: id, state: 'unknown', providerCode: 'New' }]],
  ],
  forged: [call({ RecordType: 'Delivery' }, 'x'), () => ({ body: '{}' })],
})
