/** The problems that a request of any API can have. Each dialect has its own words for each problem. */

import type { FastifyError } from 'fastify'
import type { Parsed } from '../outside.ts'

/** Problems of bytes that never become a request, so that no route and no error handler sees them. */
export type UnreadableProblem =
  | 'not-http'
  | 'headers-too-large'
  /** Not whole in time, see `maxRequestMs`. */
  | 'too-slow'
  /** `CONNECT`, which names another server instead of a path. */
  | 'tunnel'

/** Problems of a request that a dialect's error handler answers. */
export type RequestProblem =
  /** RFC 9112 3.2: HTTP/1.1 demands one Host line. */
  | 'host'
  /** The percent-encoding of the path is not that of UTF-8. */
  | 'path'
  | 'body-too-large'
  | Extract<Parsed<never>, { kind: 'malformed' }>['problem']

/** Raised by a listener, and by `readJsonBodies`, for the error handler of the dialect that the request is for. */
export class RequestError extends Error {
  readonly statusCode = 400
  readonly problem: RequestProblem

  constructor(problem: RequestProblem) {
    super(problem)
    this.problem = problem
  }
}

/** @returns undefined if the error is not the caller's. */
export function problemOf(error: FastifyError): RequestProblem | undefined {
  if (error instanceof RequestError) return error.problem
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return 'body-too-large'
  // Fastify's other refusals are of a body that is shorter or longer than its length.
  return error.statusCode !== undefined && error.statusCode < 500 ? 'syntax' : undefined
}
