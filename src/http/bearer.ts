/** Whether a request carries a secret, as `Authorization: Bearer SECRET`. */

import { isSameSecret } from '../code/constant-time.ts'

/** @param authorization  The header as it came. */
export function isBearer(authorization: string | undefined, expected: string): boolean {
  const [, given] = /^Bearer (\S+)$/.exec(authorization ?? '') ?? []
  return given !== undefined && isSameSecret(given, expected)
}
