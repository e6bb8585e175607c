/** The rule of standardwebhooks.com: HMAC-SHA-256 over id, time and body, by a secret that begins with `whsec_`. */

import { webhookSignature } from '../../../code/webhook-signature.ts'
import type { Signer } from './signature.ts'

export const standardWebhooks: Signer = ({ body }, parameter, nowMs) => {
  const id = parameter('id')
  const timestamp = String(Math.floor(nowMs / 1000))
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': `v1,${webhookSignature(parameter('secret'), id, timestamp, body)}`,
  }
}
