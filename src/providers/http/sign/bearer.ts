/** A token in every request (RFC 6750). */

import type { Signer } from './signature.ts'

export const bearer: Signer = (_, parameter) => ({ authorization: `Bearer ${parameter('token')}` })
