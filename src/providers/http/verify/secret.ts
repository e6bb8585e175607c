/** A secret that the carrier was given with the address to call, in the query or a header. */

import type { Verifier } from './call.ts'
import { isEqual } from './equal.ts'

export const secret: Verifier = (parameter) => {
  const [value, query, header] = [parameter('value'), parameter('query'), parameter('header').toLowerCase()]
  return ({ request, said }) =>
    isEqual((query ? said.query.get(query) : request.headers[header]) ?? '', value)
}
