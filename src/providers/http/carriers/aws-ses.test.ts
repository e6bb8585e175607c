import { mailMessage } from '../../../../test/http-carrier.ts'
import { exchange } from '../../../../test/http-exchange.ts'

exchange({
  section: {
    carrier: 'aws-ses',
    region: 'us-east-1',
    accessKeyId: 'AKIDEXAMPLE',
    secretAccessKey: 'secret',
    from: 'no-reply@example.com',
    configurationSet: 'codes',
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
