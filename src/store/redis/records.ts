/** Verifications as Redis stores them: JSON of the record, and fields that only this engine needs. */

import { asCallersSee, type StoredVerification } from '../../verification/stored-verification.ts'
import type { Verification } from '../../verification/verification.ts'
import type { EndedVerification } from '../history.ts'
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
  /** Somebody reads its events. */
  readonly told?: true
  /** The last dispatch accepted so far. */
  readonly broughtBy?: NonNullable<Used['broughtBy']>
}

/**
 * The unchanging part of a record as JSON without its first brace; the function `issue` puts the rest before it.
 * @param isTold  Somebody reads its events. It comes first, where the functions look for it.
 */
export function unchangingOf(
  { id, key, keyId, digits, isTest, details }: IssueRequest,
  isTold: boolean,
): string {
  const { tenant, app, subject, address, purpose } = key
  const fixed = { id, tenant, app, member: subject, address, purpose, keyId, digits, isTest, details }
  return JSON.stringify(isTold ? { told: true, ...fixed } : fixed).slice(1)
}

export function parseRecord(text: unknown): RedisRecord {
  return JSON.parse(text as string) as RedisRecord
}

export function verificationOf(record: RedisRecord): Verification {
  return asCallersSee(storedOf(record))
}

export function storedOf(record: RedisRecord): StoredVerification {
  const { state, ...rest } = endedOf(record)
  return { ...rest, state: stateOfNumber[state]! }
}

/** The record without what only this engine needs, as the history keeps it. */
export function endedOf(record: RedisRecord): EndedVerification {
  const {
    digest: _digest,
    messages: _messages,
    broughtBy: _broughtBy,
    told: _told,
    member: subject,
    usedAt = null,
    details = null,
    ...rest
  } = record
  return { ...rest, subject, usedAt, details }
}
