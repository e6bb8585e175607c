import { createHmac } from 'node:crypto'
import { mailMessage } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'

const id = '20111114174239.25659.5817@samples.mailgun.org'
const token = 'a8ce0edb2dd8301dee6c2405235584e45aa91d1e9f979f3de0'
const call =
  (event: object, { key = 'signing-key', ageS = 0 } = {}) =>
  () => {
    const timestamp = String(Math.floor(Date.now() / 1000) - ageS)
    const signature = createHmac('sha256', key)
      .update(timestamp + token)
      .digest('hex')
    return {
      body: JSON.stringify({
        signature: { timestamp, token, signature },
        'event-data': { message: { headers: { 'message-id': id } }, ...event },
      }),
    }
  }

exchange({
  section: {
    carrier: 'mailgun',
    domain: 'mg.example.com',
    apiKey: 'key-1',
    from: 'no-reply@mg.example.com',
    signingKey: 'signing-key',
  },
  message: mailMessage,
  request: {
    method: 'POST',
    path: '/v3/mg.example.com/messages',
    headers: { authorization: `Basic ${btoa('api:key-1')}` },
    form: {
      from: '"Countersign" <no-reply@mg.example.com>',
      to: 'Li.Na@example.com',
      subject: mailMessage.subject!,
      text: mailMessage.text,
      html: mailMessage.html!,
      'o:tracking': 'no',
      'h:Auto-Submitted': 'auto-generated',
      'h:X-Auto-Response-Suppress': 'All',
      'v:countersign': mailMessage.id,
    },
  },
  success: {
    told: { status: 200, body: { id: `<${id}>`, message: 'Queued. Thank you.' } },
    accepted: { id },
  },
  failures: [
    [{ status: 400, body: { message: 'from parameter is missing' } }, 'unavailable', /^400 from parameter/],
    [
      { status: 400, body: { message: "'to' parameter is not a valid address. please check documentation" } },
      'refused',
      /^400 'to' parameter/,
    ],
    [
      {
        status: 400,
        body: { message: "'from' parameter is not a valid address. please check documentation" },
      },
      'unavailable',
      /^400 'from' parameter/,
    ],
    [{ status: 401, body: 'Forbidden' }, 'unavailable', /^401/],
    [{ status: 429, body: { message: 'too many' } }, 'throttled', /^429 too many/],
  ],
  receipts: [
    [
      call({ event: 'delivered', 'delivery-status': { code: 250, message: 'OK' } }),
      [{ key: id, state: 'delivered', providerCode: 'delivered 250 OK' }],
    ],
    [
      call({
        event: 'failed',
        severity: 'permanent',
        reason: 'bounce',
        'delivery-status': { code: 550, message: '' },
      }),
      [{ key: id, state: 'undeliverable', providerCode: 'failed 550 bounce' }],
    ],
    [call({ event: 'failed', severity: 'temporary' }), []],
    [call({ event: 'opened' }), []],
  ],
  forged: [
    call({ event: 'delivered' }, { key: 'other' }),
    call({ event: 'delivered' }, { ageS: 1000 }),
    () => ({ body: '{}' }),
  ],
})
