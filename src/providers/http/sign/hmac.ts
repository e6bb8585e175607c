/** A keyed hash of a text that the block composes, in a header that it composes too. */

import { createHmac } from 'node:crypto'
import type { Signer } from './signature.ts'

export const hmac: Signer = (_, parameter) => {
  const encoding = parameter('encoding') === 'base64' ? 'base64' : 'hex'
  const signature = createHmac(parameter('algorithm') || 'sha256', parameter('key'))
    .update(parameter('text'))
    .digest(encoding)
  return { [parameter('header').toLowerCase()]: parameter('value', { signature }) }
}
