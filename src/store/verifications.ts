/** The contract for verifications: issue, count a submission, use once. */

import type { Channel } from '../message/channel.ts'
import type { NewMessage } from '../message/message.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { Hit, Limit, Throttled } from '../throttle/acquire.ts'
import type { LimiterState } from '../throttle/limiter-state.ts'
import type { VerificationDetails } from '../verification/details.ts'
import type { Verification, VerificationKey } from '../verification/verification.ts'
import type { Mismatch, Once, Replayed } from './once.ts'
import type { EntryKey, Lease } from './outbox.ts'

export type IssueRequest = {
  readonly id: string
  readonly key: VerificationKey
  readonly keyId: string
  readonly digits: number
  readonly lifetimeMs: number
  readonly isTest: boolean
  /** Absent for the wire of members. */
  readonly details?: VerificationDetails
  /** A live one with so many submissions is spent, and does not stand in the way of another. */
  readonly maxSubmissions: number
  readonly limits: readonly Limit[]
  /** Absent for a test address, to which nothing is sent. */
  readonly message?: NewMessage
  /** The caller's claim on the message, so that it can hand it over at once after the commit. */
  readonly lease: Lease
  /** The verification is held: it waits for `solve`, and no message is given. */
  readonly isHeld?: true
  /**
   * If one is live and a gap between messages refuses another one, that is no refusal: it is kept. Within `quietMs` of its
   * issue it is kept without asking any limit. Absent for members, who are always refused.
   */
  readonly keepsLive?: { readonly quietMs: number }
  readonly once?: Once
}

/** `now`: engine time of the act, as in all results. */
export type IssueResult =
  | ({
      readonly kind: 'issued' | 'live'
      readonly record: Verification
      readonly now: number
      /** Until a gap allows the next message; absent if the store does not know. */
      readonly sendAfterMs?: number
      /** The message, queued and leased; absent if none was given, and in a replayed result. */
      readonly entry?: OutboxEntry
    } & Replayed)
  /** One is live, see `keepsLive`. `retryAfterMs`: until a message may follow; null: it was issued just now. */
  | ({
      readonly kind: 'kept'
      readonly record: Verification
      readonly now: number
      readonly retryAfterMs: number | null
    } & Replayed)
  | Throttled
  | Mismatch

export type ResendRequest = {
  readonly id: string
  /** See `IssueRequest`. */
  readonly maxSubmissions: number
  readonly limits: readonly Limit[]
  /** Absent for a test address. */
  readonly message?: NewMessage
  readonly lease: Lease
  readonly once?: Once
}

export type ResendResult =
  | ({
      readonly kind: 'sent'
      readonly record: Verification
      readonly now: number
      readonly sendAfterMs?: number
      readonly entry?: OutboxEntry
    } & Replayed)
  | Ended
  | Throttled
  | Mismatch

/** The verification is not in the state that the act needs: it has ended, is held, or there is none. Nothing was done. */
export type Ended = {
  readonly kind: 'ended'
  readonly record: Verification | undefined
  readonly now: number
}

/** `entry`: the message that the plan goes on by. */
export type HastenRequest = {
  readonly id: string
  readonly entry: EntryKey
  /** See `IssueRequest`. */
  readonly maxSubmissions: number
  readonly once?: Once
}

export type HastenResult =
  | ({
      readonly kind: 'hastened'
      readonly record: Verification
      readonly now: number
      readonly channel: Channel
    } & Replayed)
  /** No step waits. */
  | { readonly kind: 'none' }
  | Ended
  | Mismatch

export type CancelRequest = { readonly id: string; readonly once?: Once }

export type CancelResult =
  | ({ readonly kind: 'cancelled'; readonly record: Verification; readonly now: number } & Replayed)
  | Ended
  | Mismatch

export type SolveRequest = {
  readonly id: string
  /** The five parts that it is live by from now on. */
  readonly key: VerificationKey
  /** The life of the code, which begins now. */
  readonly lifetimeMs: number
  readonly message?: NewMessage
  readonly lease: Lease
  readonly once?: Once
}

export type SolveResult =
  | ({
      readonly kind: 'sent'
      readonly record: Verification
      readonly now: number
      readonly sendAfterMs?: number
      readonly entry?: OutboxEntry
    } & Replayed)
  | Ended
  | Mismatch

export type SubmissionRequest = {
  readonly key: VerificationKey
  /**
   * The verification that the code is entered for; absent: the live one of the key. If it has ended, the submission counts
   * in limiters of this id alone, see `decoyKeyOf`, whose refusal ends nothing.
   */
  readonly id?: string
  /** Limits whose hits stay whatever the outcome. */
  readonly counted: readonly Limit[]
  /** Limits whose hits `use` refunds if the code is right. */
  readonly wrong: readonly Limit[]
  readonly maxSubmissions: number
  /** Fingerprint of the whole call if its caller named it, to recognise a repeat of a call that succeeded. */
  readonly repeat?: string
  readonly once?: Once
}

export type SubmissionResult =
  /** `now`: engine time, by which to judge the record's life. `wrong`: the hits that `use` refunds if the code is right. */
  | ({
      readonly kind: 'taken'
      /** The live verification, with this submission counted. One that was named by its id is returned also after its end. */
      readonly record: Verification | undefined
      /** Not for callers. Without a record it makes the answer of an engine's thread as long as one with a record. */
      readonly decoy?: Verification
      readonly now: number
      readonly wrong: readonly Hit[]
    } & Replayed)
  /** The same call succeeded before, and its code would still be alive: give the same answer again. */
  | { readonly kind: 'repeated' }
  | Throttled
  | Mismatch

export type UseRequest = {
  readonly id: string
  /** The hits to refund, from the result of the submission. */
  readonly wrong: readonly Hit[]
  /** false: the code was right but stays live, for a later step to use up. */
  readonly consumes: boolean
  /** A proof to record: in this login its member proved to hold a present contact. */
  readonly proof?: { readonly login: string; readonly lastsMs: number }
  readonly repeat?: string
  /** A repeated use by the same key succeeds again. */
  readonly once?: Once
}

/** The use of a verification, with the facts about its delivery that metrics need. */
export type Used = {
  /** false: its code had been entered right before. */
  readonly isFirst: boolean
  /** Engine time, ms. */
  readonly issuedAt: number
  readonly usedAt: number
  readonly replayed?: true
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

/** Limiters as they are; those that do not exist are empty. `now`: engine time, by which they are judged. */
export type SeenLimiters = { readonly now: number; readonly states: readonly LimiterState[] }

export type Verifications = {
  /**
   * Acquires the limits, records the verification and queues its message, in one step. If one is live for the key, it is
   * kept with its code and its end, and only the message is queued again; one whose submissions are used up ends as spent.
   */
  issue(request: IssueRequest): Promise<IssueResult>
  /**
   * Counts a submission before its code is compared. A refusal by the member's own limits ends the live verification for all
   * later submissions, see `endsLiveCode`. Submissions counted before that end may still use it: of many at once, one wins.
   */
  takeSubmission(request: SubmissionRequest): Promise<SubmissionResult>
  /** Uses a live, unexpired verification. @returns undefined if it was not; a value for exactly one caller if it consumes. */
  use(request: UseRequest): Promise<Used | undefined>
  /** Queues the message of a live verification again; its code and its end stay. */
  resend(request: ResendRequest): Promise<ResendResult>
  /** Makes the next step of a live verification's plan due now. */
  hasten(request: HastenRequest): Promise<HastenResult>
  /** Ends a live or held verification unused. Messages that were not handed over yet are not sent any more. */
  cancel(request: CancelRequest): Promise<CancelResult>
  /**
   * Makes a held verification live and queues its message: once, of any number of callers. Another one that is live for the
   * key ends as cancelled.
   */
  solve(request: SolveRequest): Promise<SolveResult>
  /** Reads limiters of issues and submissions by their keys, in the order of these. */
  look(keys: readonly string[]): Promise<SeenLimiters>
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
  /**
   * The verifications that callers with an API key asked for, the newest first, from a limited piece of time in each call.
   * @param query.subject  undefined: of all subjects.
   * @param query.address  undefined: of all addresses.
   * @param query.sinceMs  Made at this time or later.
   * @param query.before  `next` of the piece before.
   * @param query.max  The most that are returned.
   */
  list(query: {
    readonly app: string
    readonly subject?: string
    readonly address?: string
    readonly sinceMs: number
    readonly before?: string
    readonly max: number
  }): Promise<FoundVerifications>
  /** The number of live verifications, perhaps with some that have just run out. */
  countLive(): Promise<number>
}
