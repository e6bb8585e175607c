/** The contract for verifications: issue, count a submission, use once. */

import type { NewMessage } from '../message/message.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { Hit, Limit, Throttled } from '../throttle/acquire.ts'
import type { VerificationDetails } from '../verification/details.ts'
import type { Verification, VerificationKey } from '../verification/verification.ts'
import type { Lease } from './outbox.ts'

export type IssueRequest = {
  readonly id: string
  readonly key: VerificationKey
  readonly keyId: string
  readonly digits: number
  readonly lifetimeMs: number
  readonly isTest: boolean
  /** Absent for the wire of members. */
  readonly details?: VerificationDetails
  readonly limits: readonly Limit[]
  /** Absent for a test address, to which nothing is sent. */
  readonly message?: NewMessage
  /** The caller's claim on the message, so that it can hand it over at once after the commit. */
  readonly lease: Lease
}

export type IssueResult =
  | {
      readonly kind: 'issued' | 'live'
      readonly record: Verification
      /** The message, queued and leased; absent if none was given. */
      readonly entry?: OutboxEntry
    }
  | Throttled

export type SubmissionRequest = {
  readonly key: VerificationKey
  /** The verification that the code is entered for; absent: the live one of the key. */
  readonly id?: string
  /** Limits whose hits stay whatever the outcome. */
  readonly counted: readonly Limit[]
  /** Limits whose hits `use` refunds if the code is right. */
  readonly wrong: readonly Limit[]
  readonly maxSubmissions: number
  /** Fingerprint of the whole call if its caller named it, to recognise a repeat of a call that succeeded. */
  readonly repeat?: string
}

export type SubmissionResult =
  /** `now`: engine time, by which to judge the record's life. `wrong`: the hits that `use` refunds if the code is right. */
  | {
      readonly kind: 'taken'
      /** The live verification, with this submission counted. One that was named by its id is returned also after its end. */
      readonly record: Verification | undefined
      /** Not for callers. Without a record it makes the answer of an engine's thread as long as one with a record. */
      readonly decoy?: Verification
      readonly now: number
      readonly wrong: readonly Hit[]
    }
  /** The same call succeeded before, and its code would still be alive: give the same answer again. */
  | { readonly kind: 'repeated' }
  | Throttled

export type UseRequest = {
  readonly id: string
  /** The hits to refund, from the result of the submission. */
  readonly wrong: readonly Hit[]
  /** false: the code was right but stays live, for a later step to use up. */
  readonly consumes: boolean
  /** A proof to record: in this login its member proved to hold a present contact. */
  readonly proof?: { readonly login: string; readonly lastsMs: number }
  readonly repeat?: string
}

/** The use of a verification, with the facts about its delivery that metrics need. */
export type Used = {
  /** false: its code had been entered right before. */
  readonly isFirst: boolean
  /** Engine time, ms. */
  readonly issuedAt: number
  readonly usedAt: number
  /** The last dispatch that a provider accepted before the use; null if there was none, as for a test address. */
  readonly broughtBy: {
    readonly provider: string
    readonly channel: string
    readonly region: string
    readonly acceptedAt: number
  } | null
}

export type FoundVerifications = {
  readonly found: readonly Verification[]
  /** The `before` of the next piece; null: all were searched. */
  readonly next: string | null
}

export type Verifications = {
  /**
   * Acquires the limits, records the verification and queues its message, in one step. If one is live for the key, it is
   * kept with its code and its end, and only the message is queued again.
   */
  issue(request: IssueRequest): Promise<IssueResult>
  /**
   * Counts a submission before its code is compared. A refusal by the member's own limits ends the live verification for all
   * later submissions, see `endsLiveCode`. Submissions counted before that end may still use it: of many at once, one wins.
   */
  takeSubmission(request: SubmissionRequest): Promise<SubmissionResult>
  /** Uses a live, unexpired verification. @returns undefined if it was not; a value for exactly one caller if it consumes. */
  use(request: UseRequest): Promise<Used | undefined>
  get(id: string): Promise<Verification | undefined>
  /**
   * The verifications of an address, the newest first, from a limited piece of time in each call. There is no index of
   * addresses alone: every issue would pay for a question that an operator asks once a day.
   * @param query.sinceMs  Issued at this time or later.
   * @param query.before  `next` of the piece before.
   */
  find(query: {
    readonly address: string
    readonly sinceMs: number
    readonly before?: string
  }): Promise<FoundVerifications>
  /** The number of live verifications, perhaps with some that have just run out. */
  countLive(): Promise<number>
}
