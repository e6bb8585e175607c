/** The contract of an API that a listener serves: whatever its callers do, they get answers of its shape and no other. */

import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { UnreadableProblem } from './request-problem.ts'

export type Dialect = {
  /**
   * Registers routes, hooks, an error handler and a not-found handler. They are encapsulated: they hold below the
   * dialect's prefix and nowhere else. The error handler answers what its schemas refuse, and every `RequestProblem`.
   * @param onError  To be called with what is answered with 500.
   */
  register(app: FastifyInstance, onError: OnError): void
  /** The answer to bytes that never became a request. The connection ends with it. */
  answerTo(problem: UnreadableProblem, requestId: string): UnreadableAnswer
}

export type OnError = (error: unknown, request: FastifyRequest) => void

export type UnreadableAnswer = {
  readonly status: number
  /** For log and metrics. */
  readonly errorCode: string
  /** Besides those of every answer, see `headersOfEveryAnswer`. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

export type Mounted = {
  /** Such as `/native`. Empty: the root, for every path that is not below the prefix of another dialect. */
  readonly prefix: string
  readonly dialect: Dialect
}
