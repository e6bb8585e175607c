/** Addresses and networks that the carrier says it calls from. */

import { networksOf } from '../../../network/networks.ts'
import type { Verifier } from './call.ts'

export const addresses: Verifier = (parameter) => {
  const networks = networksOf(parameter('list').split(/[\s,]+/))
  return ({ request }) => networks.has(request.clientIp)
}
