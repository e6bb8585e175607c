import { generateKeyPairSync, sign } from 'node:crypto'
import { mailMessage } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
const other = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey
const event = (change: object) => ({
  email: 'li.na@example.com',
  timestamp: 1_513_299_569,
  sg_event_id: 'x',
  sg_message_id: '14c5d75ce93.dfd.64b469.filter0001.16648.5515E0B88.0',
  countersign: mailMessage.id,
  ...change,
})
const call =
  (events: object[], { key = privateKey, ageS = 0, body = JSON.stringify(events) } = {}) =>
  () => {
    const timestamp = String(Math.floor(Date.now() / 1000) - ageS)
    const signature = sign('sha256', Buffer.from(timestamp + body), key).toString('base64')
    return {
      body,
      headers: {
        'x-twilio-email-event-webhook-signature': signature,
        'x-twilio-email-event-webhook-timestamp': timestamp,
      },
    }
  }

exchange({
  section: {
    carrier: 'sendgrid',
    apiKey: 'SG.key',
    from: 'no-reply@example.com',
    verificationKey: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
  },
  message: mailMessage,
  request: {
    method: 'POST',
    path: '/v3/mail/send',
    headers: { authorization: 'Bearer SG.key' },
    json: {
      personalizations: [
        { to: [{ email: 'Li.Na@example.com' }], custom_args: { countersign: mailMessage.id } },
      ],
      from: { email: 'no-reply@example.com', name: 'Countersign' },
      subject: mailMessage.subject,
      content: [
        { type: 'text/plain', value: mailMessage.text },
        { type: 'text/html', value: mailMessage.html },
      ],
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      tracking_settings: {
        click_tracking: { enable: false, enable_text: false },
        open_tracking: { enable: false },
        subscription_tracking: { enable: false },
      },
    },
  },
  success: {
    told: { status: 202, body: '', headers: { 'x-message-id': '14c5d75ce93' } },
    accepted: { id: '14c5d75ce93', receiptKey: mailMessage.id },
  },
  failures: [
    [
      { status: 401, body: { errors: [{ message: 'authorization required', field: null, help: null }] } },
      'unavailable',
      /^401 authorization required/,
    ],
    [
      {
        status: 400,
        body: {
          errors: [
            {
              message: 'Does not contain a valid address.',
              field: 'personalizations.0.to.0.email',
              help: null,
            },
          ],
        },
      },
      'refused',
      /^400 personalizations\.0\.to\.0\.email Does not contain/,
    ],
    [
      {
        status: 403,
        body: { errors: [{ message: 'The from address is no verified sender', field: 'from' }] },
      },
      'unavailable',
      /^403 from The from address/,
    ],
    [{ status: 429, body: { errors: [{ message: 'too many requests' }] } }, 'throttled', /^429 too many/],
    [{ status: 200, body: 'sandbox' }, 'unavailable', /^200/],
  ],
  receipts: [
    [
      call([
        event({ event: 'delivered' }),
        event({ event: 'bounce', status: '5.0.0', reason: '500 unknown recipient li.na@example.com' }),
        event({ event: 'open' }),
        event({ event: 'delivered', countersign: undefined }),
      ]),
      [
        { key: mailMessage.id, state: 'delivered', providerCode: 'delivered' },
        { key: mailMessage.id, state: 'undeliverable', providerCode: 'bounce 5.0.0 500 unknown recipient …' },
      ],
    ],
    [call([event({ event: 'new' })]), [{ key: mailMessage.id, state: 'unknown', providerCode: 'new' }]],
  ],
  forged: [
    call([event({ event: 'delivered' })], { key: other }),
    call([event({ event: 'delivered' })], { ageS: 1000 }),
    () => ({
      ...call([event({ event: 'delivered' })])(),
      body: JSON.stringify([event({ event: 'bounce' })]),
    }),
    () => ({ body: '[]' }),
  ],
})
