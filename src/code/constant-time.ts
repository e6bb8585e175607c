/** Comparison of secrets in time that does not depend on where they differ. */

import { timingSafeEqual } from 'node:crypto'

/**
 * Tells whether two secrets are the same. Lengths are not secret here (a code's is in the
 * settings, a MAC's in its algorithm), contents are.
 */
export function isSameSecret(a: string, b: string): boolean {
  const left = Buffer.from(a)
  const right = Buffer.from(b)
  if (left.length !== right.length) {
    timingSafeEqual(left, left)
    return false
  }
  return timingSafeEqual(left, right)
}
