/** What every answer of the dialect carries: the request's id, the headers, and the shape of errors. */

import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { randomHex } from '../../random.ts'
import { messageOf, type Refusal, secondsOf, wireErrors } from './errors.ts'
import { type Locale, localeOf } from './locale.ts'

/** The media type byte for byte as the reference shows it. */
export const jsonType = 'application/json;charset=UTF-8'

const clientRequestId = /^[A-Za-z0-9_-]{1,64}$/

/** The caller's request id if it is one, else a new one of 32 hex digits. Fastify's `genReqId`. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && clientRequestId.test(given) ? given : randomHex(16)
}

/** Whether the caller named the request itself, so that it can repeat it. */
export function isNamedByCaller(request: FastifyRequest): boolean {
  return request.headers['x-request-id'] === request.id
}

const fixedHeaders = {
  'cache-control': 'no-cache',
  pragma: 'No-cache',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
}

/** For a year, browsers shall come by HTTPS alone. Not for a developer's `localhost`, which others share. */
const strictTransport = {
  ...fixedHeaders,
  'strict-transport-security': 'max-age=31536000; includeSubDomains',
}

/**
 * Sets the headers that go on every answer, errors and unknown paths included.
 * @param isStrict  Demand HTTPS from browsers from now on.
 */
export function setHeaders(request: FastifyRequest, reply: FastifyReply, isStrict: boolean): void {
  reply.headers(isStrict ? strictTransport : fixedHeaders).header('x-request-id', request.id)
}

/** Success without content: the two bytes every client parses. */
export function sendEmpty(reply: FastifyReply): FastifyReply {
  return reply.header('content-type', jsonType).send('{}')
}

export function sendJson(reply: FastifyReply, value: object): FastifyReply {
  return reply.header('content-type', jsonType).send(JSON.stringify(value))
}

export function sendRefusal(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const locale: Locale = localeOf(request.headers['accept-language'])
  if (refusal.retryAfterMs !== undefined) reply.header('retry-after', secondsOf(refusal.retryAfterMs))
  reply.errorCode = refusal.code
  return reply
    .code(refusal.status ?? wireErrors[refusal.code].status)
    .header('content-type', jsonType)
    .send(
      JSON.stringify({
        error_code: refusal.code,
        error_msg: messageOf(refusal, locale),
        request_id: request.id,
      }),
    )
}

declare module 'fastify' {
  interface FastifyReply {
    /** The dialect's code of a refusal, for log and metrics. */
    errorCode: string
  }
}
