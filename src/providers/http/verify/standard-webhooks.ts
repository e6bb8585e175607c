/** The rule of standardwebhooks.com. While a secret is being changed, a call has several signatures. */

import { webhookSignature } from '../../../code/webhook-signature.ts'
import type { Verifier } from './call.ts'
import { isEqual } from './equal.ts'
import { isRecent } from './recent.ts'

/** The most signatures that are compared; two are usual while a secret is being changed. */
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
