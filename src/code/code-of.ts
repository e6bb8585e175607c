/** The code of a verification. */

import { type CodeSubject, deriveCode } from './derive-code.ts'
import type { RingKey } from './key-ring.ts'

export type CodeRecord = CodeSubject & {
  readonly digits: number
  readonly details: { readonly testCode?: string; readonly alphabet?: 'crockford' } | null
}

/** @param key  The ring key of the verification. @returns The code that is sent, not that of a test address. */
export function codeOf(key: RingKey, record: CodeRecord): string {
  // Derived in any case, so that a code that was chosen is told from others by no time.
  const derived = deriveCode(key, record, record.digits, record.details?.alphabet)
  return record.details?.testCode ?? derived
}
