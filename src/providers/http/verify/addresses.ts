/** Accepts calls from the addresses and networks that the carrier publishes as its own. */

import { networksOf } from '../../../network/networks.ts'
import type { Verifier } from './call.ts'

export const addresses: Verifier = (parameter) => {
  const networks = networksOf(parameter('list').split(/[\s,]+/))
  return ({ request }) => networks.has(request.clientIp)
}
