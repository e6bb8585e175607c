/** What every event of a verification repeats of it, so that its reader need not ask. Never a whole address. */

import { maskKey } from '../address/address.ts'
import { subjectOfApp } from './subject.ts'
import type { Verification } from './verification.ts'

export type VerificationFacts = {
  readonly toMasked: string
  readonly subject: string | null
  readonly purpose: string
  readonly isTest: boolean
  readonly metadata: Readonly<Record<string, string>>
}

export function verificationFacts({
  address,
  subject,
  purpose,
  isTest,
  details,
}: Pick<Verification, 'address' | 'subject' | 'purpose' | 'isTest' | 'details'>): VerificationFacts {
  return {
    toMasked: maskKey(address),
    subject: subjectOfApp(subject),
    purpose,
    isTest: isTest || details?.byTestKey === true,
    metadata: details?.metadata ?? {},
  }
}
