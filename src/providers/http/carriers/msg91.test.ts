import { exchange } from '../../../../test/http-exchange.ts'

const call =
  (status: string, query = 'secret=s3cret') =>
  () => ({
    query,
    body: JSON.stringify([
      {
        senderId: 'Abcdef',
        requestId: '3763646c3058373530393938',
        report: [{ date: '2017-01-01 00:00:00', number: '15558675310', status, desc: 'DELIVERED' }],
        userId: '38229',
      },
    ]),
  })
const told = (state: 'delivered' | 'undeliverable' | 'unknown', status: string) => [
  { key: '3763646c3058373530393938', state, providerCode: `${status} DELIVERED` },
]

exchange({
  section: {
    carrier: 'msg91',
    authKey: 'the-key',
    receiptSecret: 's3cret',
    templateIds: { code: '6051d0f9d6fc05', 'contact-changed': '6051d0f9d6fc06' },
  },
  request: {
    method: 'POST',
    path: '/api/v5/flow',
    headers: { authkey: 'the-key' },
    json: {
      template_id: '6051d0f9d6fc05',
      short_url: '0',
      recipients: [{ mobiles: '15558675310', var1: '012345', var2: '1 minute', var3: 'Countersign' }],
    },
  },
  success: {
    told: { status: 200, body: { type: 'success', message: '3763646c3058373530393938' } },
    accepted: { id: '3763646c3058373530393938' },
  },
  failures: [
    [
      { status: 200, body: { type: 'error', message: 'template not found' } },
      'unavailable',
      /^200 error templ/,
    ],
    [{ status: 401, body: { type: 'error', message: 'Unauthorized' } }, 'unavailable', /^401 error/],
    [{ status: 429 }, 'throttled', /^429/],
  ],
  receipts: [
    [call('1'), told('delivered', '1')],
    [call('16'), told('undeliverable', '16')],
    [call('77'), told('unknown', '77')],
  ],
  forged: [call('1', ''), call('1', 'secret=x')],
})
