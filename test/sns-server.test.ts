/** Calls of Amazon SNS through the built server: what a stranger makes it call. */

import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { ofNoEngine } from './engine.ts'
import { listening } from './http-carrier.ts'
import { startServer, temporaryFolder } from './server.ts'
import { topicArn } from './sns-events.ts'

const folder = temporaryFolder()
after(() => rmSync(folder, { recursive: true, force: true }))

test(
  'a call that names servers of its own for certificate and confirmation is refused, and none is called',
  ofNoEngine,
  async (t) => {
    const called: string[] = []
    const port = await listening(
      t,
      createServer((request, response) => {
        called.push(request.url!)
        response.end()
      }),
    )
    const config = join(folder, 'settings.yaml')
    writeFileSync(
      config,
      `publicUrl: https://codes.example.com
providers:
  aws:
    type: http
    carrier: aws-sms
    region: eu-west-1
    accessKeyId: AKIDEXAMPLE
    secretAccessKey: secret
    originationIdentity: '+15557122661'
    configurationSet: codes
    topicArn: ${topicArn}
    allowPrivate: [127.0.0.1]
`,
    )
    await using server = await startServer({ dataFolder: folder, args: ['--config', config] })
    const post = async (body: string) => {
      const headers = {
        'content-type': 'text/plain; charset=UTF-8',
        'x-amz-sns-message-type': 'Notification',
      }
      return (await fetch(`${server.http}/receipts/aws`, { method: 'POST', headers, body })).status
    }
    for (const origin of [`http://127.0.0.1:${port}`, `https://127.0.0.1:${port}`])
      for (const Type of ['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation'])
        assert.equal(
          await post(
            JSON.stringify({
              Type,
              MessageId: 'm',
              TopicArn: topicArn,
              Message: '{}',
              Timestamp: new Date().toISOString(),
              SignatureVersion: '2',
              Signature: 'AAAA',
              SigningCertURL: `${origin}/SimpleNotificationService-1.pem`,
              SubscribeURL: `${origin}/?Action=ConfirmSubscription`,
              Token: 't',
            }),
          ),
          403,
          `${Type} ${origin}`,
        )
    for (const body of ['', '{}', '[]', 'null', '"x"', '{"Type":"Notification"}', 'Message=1'])
      assert.equal(await post(body), 403, body)
    assert.deepEqual(called, [])
  },
)
