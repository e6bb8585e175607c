/** Compares secrets in a time that does not depend on where they differ. */

import { timingSafeEqual } from 'node:crypto'

/**
 * Whether two secrets are the same. Their contents are secret; their lengths are not, because the length of a code is in
 * the settings and that of a MAC in its algorithm.
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
