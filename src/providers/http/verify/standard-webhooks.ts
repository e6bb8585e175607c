/** The rule of standardwebhooks.com; several signatures may be there while a secret is changed. */

import { webhookSignature } from '../sign/standard-webhooks.ts'
import type { Verifier } from './call.ts'
import { isEqual } from './equal.ts'
import { isRecent } from './recent.ts'

/** While a secret is changed there are two. */
const maxSignatures = 10

export const standardWebhooks: Verifier = (parameter) => {
  const secret = parameter('secret')
  return ({ request: { headers, body }, nowMs }) => {
    const {
      'webhook-id': id = '',
      'webhook-timestamp': timestamp = '',
      'webhook-signature': given = '',
    } = headers
    if (secret === '' || id === '' || !isRecent(timestamp, nowMs)) return false
    const expected = webhookSignature(secret, id, timestamp, body)
    return given.split(' ', maxSignatures).some((one) => isEqual(one, `v1,${expected}`))
  }
}
