/** An ECDSA signature over a time and the body, whose public key the carrier shows in its console. */

import { createPublicKey, verify } from 'node:crypto'
import type { Verifier } from './call.ts'
import { isRecent } from './recent.ts'

export const ecdsa: Verifier = (parameter) => {
  const key = createPublicKey({
    key: Buffer.from(parameter('publicKey'), 'base64'),
    format: 'der',
    type: 'spki',
  })
  const [signature, timestamp] = [parameter('signature').toLowerCase(), parameter('timestamp').toLowerCase()]
  return ({ request: { headers, body }, nowMs }) => {
    const at = headers[timestamp] ?? ''
    if (!isRecent(at, nowMs)) return false
    const given = Buffer.from(headers[signature] ?? '', 'base64')
    return verify('sha256', Buffer.concat([Buffer.from(at), body]), key, given)
  }
}
