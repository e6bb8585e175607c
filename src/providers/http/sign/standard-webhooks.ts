/** The rule of standardwebhooks.com: HMAC-SHA-256 over id, time and body, by a secret that begins with `whsec_`. */

import { createHmac } from 'node:crypto'
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

/** @param secret  Base64, with or without `whsec_` in front. */
export function webhookSignature(
  secret: string,
  id: string,
  timestamp: string,
  body: string | Uint8Array,
): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')
}
