/** Twilio's rule: HMAC-SHA-1 over the URL it called and the fields it posted, in the order of their names. */

import { createHmac } from 'node:crypto'
import { isEqual } from './equal.ts'
import type { Verifier } from './verifier.ts'

export const twilio: Verifier = (parameter) => {
  const token = parameter('token')
  return ({ request: { headers, body }, url }) => {
    const fields = [...new URLSearchParams(body.toString('utf8'))].map(([name, value]) => name + value)
    const expected = createHmac('sha1', token)
      .update(url + fields.sort().join(''))
      .digest('base64')
    return token !== '' && isEqual(headers['x-twilio-signature'] ?? '', expected)
  }
}
