import { exchange } from '../../../../test/http-exchange.ts'

/** Version 3, as the help page shows it. */
const call =
  (status: string, desc: string, query = 'secret=s3cret') =>
  () => ({
    query,
    body: JSON.stringify({
      date: '2024-05-22 09:58:16',
      number: '15558675310',
      senderId: 'uXXXXm',
      amount: '0.01',
      requestId: '3763646c3058373530393938',
      INMSID: '0',
      CRQID: '0',
      credit: '1',
      userId: '27XXXX',
      campaignName: 'Sendhttp',
      status,
      desc,
    }),
  })
const told = (state: 'delivered' | 'undeliverable' | 'unknown', providerCode: string) => [
  { key: '3763646c3058373530393938', state, providerCode },
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
    [call('1', 'DELIVERED'), told('delivered', '1 DELIVERED')],
    [call('16', 'REJECTED'), told('undeliverable', '16 REJECTED')],
    [call('77', 'NEW'), told('unknown', '77 NEW')],
  ],
  forged: [call('1', 'DELIVERED', ''), call('1', 'DELIVERED', 'secret=x')],
})
