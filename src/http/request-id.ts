/** The id of a request, which its answer, its log lines and its errors carry. */

import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'
import { randomHex } from '../random.ts'

const clientRequestId = /^[A-Za-z0-9_-]{1,64}$/

/** The caller's `X-Request-Id` if it is 1 to 64 of `[A-Za-z0-9_-]`, else a new one of 32 hex digits. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && clientRequestId.test(given) ? given : randomHex(16)
}

/** Whether the caller named the request itself, so that it can repeat it. */
export function isNamedByCaller(request: FastifyRequest): boolean {
  return request.headers['x-request-id'] === request.id
}
