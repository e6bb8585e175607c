/** The contract for verifications: issue, count a submission, use once. */

import type { NewMessage } from '../message/message.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { Hit, Limit, Throttled } from '../throttle/acquire.ts'
import type { Verification, VerificationKey } from '../verification/verification.ts'
import type { Lease } from './outbox.ts'

export type IssueRequest = {
  readonly id: string
  readonly key: VerificationKey
  readonly keyId: string
  readonly digits: number
  readonly lifetimeMs: number
  readonly isTest: boolean
  readonly limits: readonly Limit[]
  /** Absent for a test address: nothing is sent to it. */
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
  /** Kept whatever the outcome. */
  readonly counted: readonly Limit[]
  /** Given back by `use` if the code is right. */
  readonly wrong: readonly Limit[]
  readonly maxSubmissions: number
  /** Fingerprint of the whole call, if the caller named it: a call answered with success before. */
  readonly repeat?: string
}

export type SubmissionResult =
  /** `now` is engine time: judge the record's life by it. `wrong`: what `use` gives back if the code is right. */
  | {
      readonly kind: 'taken'
      readonly record: Verification | undefined
      /** Of no use to callers. Where there is no record it makes the answer of an engine's thread as long. */
      readonly decoy?: Verification
      readonly now: number
      readonly wrong: readonly Hit[]
    }
  /** This very call succeeded before and its code would still be alive: answer the same again. */
  | { readonly kind: 'repeated' }
  | Throttled

export type UseRequest = {
  readonly id: string
  /** The hits to refund, as the submission told them. */
  readonly wrong: readonly Hit[]
  /** false: the code was right but stays live, for a later step to use up. */
  readonly consumes: boolean
  /** Remember for so long that in this login its member proved to hold a present contact. */
  readonly proof?: { readonly login: string; readonly lastsMs: number }
  readonly repeat?: string
}

/** The use of a verification, with what it tells of delivery. */
export type Used = {
  /** false: its code was entered right before, and this is not the first time. */
  readonly isFirst: boolean
  /** Engine time, ms. */
  readonly issuedAt: number
  readonly usedAt: number
  /** The last dispatch that a provider accepted before; null if none was, as for a test address. */
  readonly broughtBy: {
    readonly provider: string
    readonly channel: string
    readonly region: string
    readonly acceptedAt: number
  } | null
}

export type FoundVerifications = {
  readonly found: readonly Verification[]
  /** Look further from here; null: all were looked through. */
  readonly next: string | null
}

export type Verifications = {
  /**
   * Takes, then records the verification and queues its message, in one step. If one is live for
   * the key it is kept, with its code and its end, and only the message is queued again.
   */
  issue(request: IssueRequest): Promise<IssueResult>
  /**
   * Counts a submission before anyone looks at its code. A refusal by the member's own limits
   * ends the live verification for all later submissions; one by what others did to the address
   * does not. Submissions counted before the end may still use it: of many at once, one wins.
   */
  takeSubmission(request: SubmissionRequest): Promise<SubmissionResult>
  /** Uses a live, unexpired verification. @returns undefined if it was not; a value for exactly one caller if it consumes. */
  use(request: UseRequest): Promise<Used | undefined>
  get(id: string): Promise<Verification | undefined>
  /**
   * Those of an address, newest first, a bounded piece of the time at a call: nothing indexes addresses
   * alone, for every issue would pay for what an operator asks once a day.
   * @param query.sinceMs  Issued at this time or later.
   * @param query.before  `next` of the piece before.
   */
  find(query: {
    readonly address: string
    readonly sinceMs: number
    readonly before?: string
  }): Promise<FoundVerifications>
  /** How many are live; some that ran out a little while ago may be among them. */
  countLive(): Promise<number>
}
