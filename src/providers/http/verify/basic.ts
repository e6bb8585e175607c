/** Name and password that the carrier calls with (RFC 7617). */

import type { Verifier } from './call.ts'
import { isEqual } from './equal.ts'

export const basic: Verifier = (parameter) => {
  const [user, password] = [parameter('user'), parameter('password')]
  const expected = password === '' ? '' : Buffer.from(`${user}:${password}`).toString('base64')
  return ({ request }) =>
    isEqual(/^Basic +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '', expected)
}
