/** Name and password in every request (RFC 7617). */

import type { Signer } from './signature.ts'

export const basic: Signer = (_, parameter) => ({
  authorization: `Basic ${Buffer.from(`${parameter('user')}:${parameter('password')}`).toString('base64')}`,
})
