/** Comparing what a stranger sent with a secret, in a time that tells nothing of where they differ. */

import { createHash, timingSafeEqual } from 'node:crypto'

/** An empty text equals nothing: a secret that was not stated must not let everyone in. */
export function isEqual(given: string, expected: string): boolean {
  if (expected === '') return false
  // Hashed first, or texts of other lengths would be told apart at once.
  const [a, b] = [given, expected].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(a!, b!)
}
