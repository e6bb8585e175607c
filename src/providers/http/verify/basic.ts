/** Name and password that the carrier calls with (RFC 7617). */

import { isEqual } from './equal.ts'
import type { Verifier } from './verifier.ts'

export const basic: Verifier = (parameter) => {
  const [user, password] = [parameter('user'), parameter('password')]
  const expected = password === '' ? '' : Buffer.from(`${user}:${password}`).toString('base64')
  return ({ request }) =>
    isEqual(/^Basic +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '', expected)
}
