/** Verifications as Redis stores them: JSON of the record, and fields that only this engine needs. */

import type { Verification } from '../../verification/verification.ts'
import { type StateNumber, stateNumber, stateOfNumber } from '../numbering.ts'
import type { IssueRequest, Used } from '../verifications.ts'
import { digestOfKey } from './layout.ts'

export type RedisRecord = Omit<Verification, 'state' | 'usedAt'> & {
  readonly state: StateNumber
  readonly usedAt?: number
  /** Digest of its key, by which a live verification is found. */
  readonly digest: string
  /** Ids of messages under way that name it. */
  readonly messages: number
  /** The last dispatch accepted so far. */
  readonly broughtBy?: NonNullable<Used['broughtBy']>
}

/** As `issue` completes it, with the engine's times. */
export function newRecord({ id, key, keyId, digits, isTest }: IssueRequest) {
  const { tenant, app, member, address, purpose } = key
  const parts = { tenant, app, member, address, purpose }
  const state = stateNumber.live
  return { id, ...parts, keyId, digits, isTest, state, submissions: 0, messages: 0, digest: digestOfKey(key) }
}

export function parseRecord(text: unknown): RedisRecord {
  return JSON.parse(text as string) as RedisRecord
}

export function verificationOf(record: RedisRecord): Verification {
  const {
    digest: _digest,
    messages: _messages,
    broughtBy: _broughtBy,
    state,
    usedAt = null,
    ...rest
  } = record
  return { ...rest, state: stateOfNumber[state]!, usedAt }
}
