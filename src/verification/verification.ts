/** The record of one code's life: who asked, for which address and purpose, until when, how it ended. */

import { partitionOf } from '../address/partition.ts'
import { timedHex } from '../random.ts'
import type { VerificationDetails } from './details.ts'

/**
 * Why a code is asked for: a word by `purposePattern`. A code made for one purpose never serves another.
 * own-contact: to prove that the member still holds a present contact · new-contact: to store a new contact · any other
 * word is the caller's own.
 */
export type Purpose = string

/** The purposes of acts without a login, which no caller may choose: a code of theirs gives a password, or a contact back. */
export const ownPurposes: readonly Purpose[] = ['reset-password', 'undo-change']

/** A regular expression. */
export const purposePattern = '^[a-z][a-z0-9-]{0,31}$'

/** The five things a code is bound to. At most one verification is live for each such key. */
export type VerificationKey = {
  readonly tenant: string
  readonly app: string
  /**
   * The person that the code is for. For a member, the id. For anyone else see `subjectOf`: such a subject has a colon, so it
   * is never a member's.
   */
  readonly subject: string
  /** The address's identity, see `addressKey`. */
  readonly address: string
  readonly purpose: Purpose
}

/**
 * held: waits for the solution of a challenge, nothing was sent · live: may still be used · used: was used, once · spent:
 * too many submissions · cancelled: by its caller · dead: ended by a change of the contact.
 */
export type VerificationState = 'held' | 'live' | 'used' | 'spent' | 'cancelled' | 'dead'

export type Verification = VerificationKey & {
  readonly id: string
  /** The ring key that makes its code. */
  readonly keyId: string
  readonly digits: number
  readonly state: VerificationState
  /** Engine time, ms since the epoch, as are all times of a record. */
  readonly issuedAt: number
  readonly expiresAt: number
  /** Codes entered so far, right and wrong. */
  readonly submissions: number
  /** When its code was first entered right, even if that did not use it up; null: not yet. */
  readonly usedAt: number | null
  /** Of a test address: its code is in the settings and nothing is sent. */
  readonly isTest: boolean
  readonly details: VerificationDetails | null
}

/** The longest life of an out-of-band code by SP 800-63B-4 3.1.3.2; settings cannot exceed it. */
export const maxLifetimeMs = 600_000

/**
 * A new id: 12 hex digits of time, 128 random bits, 3 hex digits of its partition. The time lets a store append instead
 * of scattering its writes; the partition leads a store with shards to the right one.
 * @param address  The identity of the address to verify, see `addressKey`.
 */
export function newVerificationId(now: number, address: string): string {
  // Joined, for JSON is slower to write of a text put together by +.
  return [timedHex(now, 16), partitionOf(address).toString(16).padStart(3, '0')].join('')
}

/** When the id was made, by the clock of the process that made it, in ms. */
export function createdAtOf(id: string): number {
  return Number.parseInt(id.slice(0, 12), 16)
}

/** The partition in an id. An id of an older version has none; then any partition comes out. */
export function partitionOfId(id: string): number {
  return Number.parseInt(id.slice(-3), 16)
}
