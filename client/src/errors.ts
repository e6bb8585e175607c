/** The one error of this client. */

import type { Problem, ProblemType } from './api.ts'

/** What has no answer of the server behind it. `connection`: none came, or not whole, within its time. */
export type LocalType = 'connection' | 'answer' | 'webhook' | 'proof'

export type CountersignErrorFields = {
  readonly type: ProblemType | LocalType | (string & {})
  readonly status?: number
  readonly problem?: Problem | undefined
  readonly requestId?: string | undefined
  readonly retryAfterS?: number | undefined
  readonly cause?: unknown
}

/**
 * Thrown for what is no outcome: a call that the server refused, a server that could not answer after all tries, a
 * webhook or a proof that does not hold. A wrong code is no error, but a value of `check`.
 */
export class CountersignError extends Error {
  override readonly name = 'CountersignError'
  /** A type of docs/api/errors.md such as `rate-limited`, or `connection`, `answer`, `webhook`, `proof`. */
  readonly type: CountersignErrorFields['type']
  /** Of HTTP; 0 if there was no answer. */
  readonly status: number
  /** The server's own words (RFC 9457), with the members of the type. */
  readonly problem: Problem | undefined
  /** By which the operator finds the call in the server's log. */
  readonly requestId: string | undefined
  /** Seconds after which the same call may succeed, if the server stated them. */
  readonly retryAfterS: number | undefined

  constructor(
    message: string,
    { type, status = 0, problem, requestId, retryAfterS, cause }: CountersignErrorFields,
  ) {
    super(message, { cause })
    this.type = type
    this.status = status
    this.problem = problem
    this.requestId = requestId
    this.retryAfterS = retryAfterS
  }
}
