/** Whether a request carries a secret, as `Authorization: Bearer SECRET`, compared in constant time. */

import { createHash, timingSafeEqual } from 'node:crypto'

/** Of any length, each compared by its digest. */
export function isSameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

/** @param authorization  The header as it came. */
export function isBearer(authorization: string | undefined, expected: string): boolean {
  const [, given] = /^Bearer (\S+)$/.exec(authorization ?? '') ?? []
  return given !== undefined && isSameSecret(given, expected)
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
