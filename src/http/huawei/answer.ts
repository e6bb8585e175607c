/** What every answer of the dialect carries: the request's id, the headers, and the shape of errors. */

import { type IncomingHttpHeaders, STATUS_CODES } from 'node:http'
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
  reply.headers(headersOf(isStrict)).header('x-request-id', request.id)
}

function headersOf(isStrict: boolean) {
  return isStrict ? strictTransport : fixedHeaders
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
    .code(statusOf(refusal))
    .header('content-type', jsonType)
    .send(bodyOf(refusal, request.id, locale))
}

/** The same as bytes, in the default language, for a connection that brought nothing to reply to. It ends with it. */
export function rawRefusal(refusal: Refusal, requestId: string, isStrict: boolean): string {
  const body = bodyOf(refusal, requestId, localeOf(undefined))
  const status = statusOf(refusal)
  const headers = {
    ...headersOf(isStrict),
    'x-request-id': requestId,
    'content-type': jsonType,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
}

export function statusOf({ code, status }: Refusal): number {
  return status ?? wireErrors[code].status
}

function bodyOf(refusal: Refusal, requestId: string, locale: Locale): string {
  return JSON.stringify({
    error_code: refusal.code,
    error_msg: messageOf(refusal, locale),
    request_id: requestId,
  })
}

declare module 'fastify' {
  interface FastifyReply {
    /** The dialect's code of a refusal, for log and metrics. */
    errorCode: string
  }
}
