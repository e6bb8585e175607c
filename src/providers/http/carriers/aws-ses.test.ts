import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mailMessage } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'
import { snsEvents, topicArn } from '../../../../test/sns-events.ts'

exchange({
  section: {
    carrier: 'aws-ses',
    region: 'us-east-1',
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'secret',
    from: 'no-reply@example.com',
    configurationSet: 'codes',
    topicArn,
  },
  message: mailMessage,
  request: {
    method: 'POST',
    path: '/v2/email/outbound-emails',
    headers: {
      authorization:
        /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/us-east-1\/ses\/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=[0-9a-f]{64}$/,
    },
    json: {
      FromEmailAddress: 'no-reply@example.com',
      Destination: { ToAddresses: ['Li.Na@example.com'] },
      Content: {
        Simple: {
          Subject: { Data: mailMessage.subject, Charset: 'UTF-8' },
          Body: {
            Text: { Data: mailMessage.text, Charset: 'UTF-8' },
            Html: { Data: mailMessage.html, Charset: 'UTF-8' },
          },
          Headers: [
            { Name: 'Auto-Submitted', Value: 'auto-generated' },
            { Name: 'X-Auto-Response-Suppress', Value: 'All' },
          ],
        },
      },
      ConfigurationSetName: 'codes',
      EmailTags: [{ Name: 'countersign', Value: mailMessage.id }],
    },
  },
  success: { told: { status: 200, body: { MessageId: '0100-1' } }, accepted: { id: '0100-1' } },
  failures: [
    [
      {
        status: 400,
        headers: { 'x-amzn-errortype': 'MessageRejected' },
        body: { message: 'Email address is not verified.' },
      },
      'unavailable',
      /^400 MessageRejected Email address/,
    ],
    [
      {
        status: 400,
        headers: { 'x-amzn-errortype': 'ThrottlingException:http://internal.amazon.com/coral/x/' },
        body: { message: 'Rate exceeded' },
      },
      'throttled',
      /^400 ThrottlingException/,
    ],
    [{ status: 429, body: { message: 'Maximum sending rate exceeded.' } }, 'throttled', /^429 Maximum/],
    [{ status: 200, body: {} }, 'unavailable', /^200/],
  ],
})

test('what Amazon tells of a mail by SNS becomes a receipt, of a configuration set and of an identity', async () => {
  const tell = await snsEvents('aws-ses')
  const mail = { messageId: '0100-1', destination: ['li.na@example.com'], tags: { countersign: ['0123'] } }
  const bounced = (bounceType: string, bounceSubType: string) => ({
    bounce: {
      bounceType,
      bounceSubType,
      bouncedRecipients: [
        {
          emailAddress: 'li.na@example.com',
          action: 'failed',
          status: '5.1.1',
          diagnosticCode: 'smtp; 550 5.1.1 <li.na@example.com>... User',
        },
      ],
    },
  })
  for (const [type, more, state] of [
    ['Send', { send: {} }, 'enroute'],
    ['Delivery', { delivery: { smtpResponse: '250 ok' } }, 'delivered'],
    ['DeliveryDelay', { deliveryDelay: { delayType: 'MailboxFull' } }, 'enroute'],
    ['Complaint', { complaint: {} }, 'delivered'],
    ['Reject', { reject: { reason: 'Bad content' } }, 'undeliverable'],
    ['Bounce', bounced('Permanent', 'General'), 'undeliverable'],
    ['Bounce', bounced('Permanent', 'OnAccountSuppressionList'), 'undeliverable'],
    ['Bounce', bounced('Transient', 'MailboxFull'), 'undeliverable'],
    ['Bounce', bounced('Transient', 'General'), undefined],
    ['Bounce', bounced('Undetermined', 'Undetermined'), undefined],
    ['Open', { open: {} }, undefined],
  ] as const)
    for (const name of ['eventType', 'notificationType']) {
      const { status, receipts } = await tell({ [name]: type, mail, ...more })
      assert.equal(status, 200)
      assert.equal(receipts[0]?.state, state, JSON.stringify({ [name]: type, ...more }))
      if (receipts[0]) assert.equal(receipts[0].key, '0100-1')
      assert.doesNotMatch(JSON.stringify(receipts), /li\.na/)
    }
  const { status, receipts } = await tell({ notificationType: 'Delivery', mail }, { Signature: 'AAAA' })
  assert.deepEqual([status, receipts], [403, []])
})
