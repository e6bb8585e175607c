/** Verifications as Redis stores them: JSON of the record, and fields that only this engine needs. */

import { asCallersSee } from '../../verification/stored-verification.ts'
import type { Verification } from '../../verification/verification.ts'
import { type StateNumber, stateOfNumber } from '../numbering.ts'
import type { IssueRequest, Used } from '../verifications.ts'

export type RedisRecord = Omit<Verification, 'state' | 'usedAt' | 'subject'> & {
  /** The subject, by the name that processes of earlier versions know. */
  readonly member: string
  readonly state: StateNumber
  readonly usedAt?: number
  /** Digest of its key, by which a live verification is found. */
  readonly digest: string
  /** Ids of messages under way that name it. */
  readonly messages: number
  /** The last dispatch accepted so far. */
  readonly broughtBy?: NonNullable<Used['broughtBy']>
}

/** The unchanging part of a record as JSON without its first brace; the function `issue` puts the rest before it. */
export function unchangingOf({ id, key, keyId, digits, isTest, details }: IssueRequest): string {
  const { tenant, app, subject, address, purpose } = key
  const fixed = { id, tenant, app, member: subject, address, purpose, keyId, digits, isTest, details }
  return JSON.stringify(fixed).slice(1)
}

export function parseRecord(text: unknown): RedisRecord {
  return JSON.parse(text as string) as RedisRecord
}

export function verificationOf(record: RedisRecord): Verification {
  const {
    digest: _digest,
    messages: _messages,
    broughtBy: _broughtBy,
    member: subject,
    state,
    usedAt = null,
    details = null,
    ...rest
  } = record
  return asCallersSee({ ...rest, subject, details, state: stateOfNumber[state]!, usedAt })
}
