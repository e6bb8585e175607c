/** Compares a text from a stranger with a secret, in a time that does not depend on where they differ. */

import { createHash, timingSafeEqual } from 'node:crypto'

/** An empty text equals nothing: a secret that was not stated must not let everyone in. */
export function isEqual(given: string, expected: string): boolean {
  if (expected === '') return false
  // Hashed first, because texts of different lengths would be refused sooner.
  const [a, b] = [given, expected].map((text) => createHash('sha256').update(text).digest())
  return timingSafeEqual(a!, b!)
}
