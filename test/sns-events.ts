/** Events as Amazon SNS brings them, signed by a key of the test's own, and the certificate that SNS would show. */

import assert from 'node:assert/strict'
import { sign } from 'node:crypto'
import { generate } from 'selfsigned'
import type { ReceiptRules } from '../src/config/carriers/block-schema.ts'
import { loadBlock } from '../src/config/carriers/load-block.ts'
import type { Receipt } from '../src/delivery/provider.ts'
import { receiptTaker } from '../src/providers/http/receipts.ts'
import { callOf } from './http-carrier.ts'

export const topicArn = 'arn:aws:sns:eu-west-1:123456789012:codes'

/** @returns What becomes of an event of a ready-made carrier: the receipts it hands in, and the status it answers. */
export async function snsEvents(carrier: string) {
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'sns.amazonaws.com' }], {
    keySize: 2048,
    algorithm: 'sha256',
  })
  const receipts: Receipt[] = []
  const { receipts: rules } = loadBlock({ carrier }, carrier, [], [])!
  const take = receiptTaker(
    rules as ReceiptRules,
    { topicArn },
    'https://codes.example.com/receipts/carrier',
    [],
    async (given) => void receipts.push(...given),
    async (url) => {
      assert.equal(url.href, 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem')
      return { status: 200, headers: {}, text: cert }
    },
  )
  return async (event: object, change: Readonly<Record<string, string>> = {}) => {
    receipts.length = 0
    const Timestamp = new Date().toISOString()
    const signed = {
      Message: JSON.stringify(event),
      MessageId: 'm',
      Timestamp,
      TopicArn: topicArn,
      Type: 'Notification',
    }
    const text = Object.entries(signed)
      .map(([name, value]) => `${name}\n${value}\n`)
      .join('')
    const body = JSON.stringify({
      ...signed,
      SignatureVersion: '2',
      Signature: sign('sha256', Buffer.from(text), key).toString('base64'),
      SigningCertURL: 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem',
      ...change,
    })
    const { status } = await take(callOf({ body, headers: { 'content-type': 'text/plain; charset=UTF-8' } }))
    return { status, receipts: [...receipts] }
  }
}
