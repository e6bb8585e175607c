/** The answers of the dialect: their headers, and the shape of errors. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { UnreadableAnswer } from '../dialect.ts'
import { messageOf, type Refusal, secondsOf, wireErrors } from './errors.ts'
import { type Locale, localeOf } from './locale.ts'

/** The media type byte for byte as the reference shows it. */
export const jsonType = 'application/json;charset=UTF-8'

/** Besides those of every answer, as the reference shows them. */
const dialectHeaders = { 'cache-control': 'no-cache', pragma: 'No-cache', 'content-type': jsonType }

/** Success without content: the two bytes `{}`, which every client can parse. */
export function sendEmpty(reply: FastifyReply): FastifyReply {
  return reply.headers(dialectHeaders).send('{}')
}

export function sendJson(reply: FastifyReply, value: object): FastifyReply {
  return reply.headers(dialectHeaders).send(JSON.stringify(value))
}

export function sendRefusal(request: FastifyRequest, reply: FastifyReply, refusal: Refusal): FastifyReply {
  const locale: Locale = localeOf(request.headers['accept-language'])
  if (refusal.retryAfterMs !== undefined) reply.header('retry-after', secondsOf(refusal.retryAfterMs))
  reply.errorCode = refusal.code
  return reply
    .code(statusOf(refusal))
    .headers(dialectHeaders)
    .send(bodyOf(refusal, request.id, locale))
}

/** The same in the default language, for bytes that never became a request. */
export function unreadableAnswer(refusal: Refusal, requestId: string): UnreadableAnswer {
  return {
    status: statusOf(refusal),
    errorCode: refusal.code,
    headers: dialectHeaders,
    body: bodyOf(refusal, requestId, localeOf(undefined)),
  }
}

function statusOf({ code, status }: Refusal): number {
  return status ?? wireErrors[code].status
}

function bodyOf(refusal: Refusal, requestId: string, locale: Locale): string {
  return JSON.stringify({
    error_code: refusal.code,
    error_msg: messageOf(refusal, locale),
    request_id: requestId,
  })
}
