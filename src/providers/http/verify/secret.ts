/** Accepts calls with a secret in the query or a header, which the carrier got together with the URL to call. */

import type { Verifier } from './call.ts'
import { isEqual } from './equal.ts'

export const secret: Verifier = (parameter) => {
  const [value, query, header] = [parameter('value'), parameter('query'), parameter('header').toLowerCase()]
  return ({ request, said }) =>
    isEqual((query ? said.query.get(query) : request.headers[header]) ?? '', value)
}
