/** Writes the answers of the native API: JSON, and problems by RFC 9457. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { UnreadableAnswer } from '../dialect.ts'
import { type Problem, problems, secondsOf } from './problems.ts'
import type { Answer, NativeContext, Outcome } from './route.ts'

const jsonType = 'application/json'
const problemType = 'application/problem+json'

export function sendOutcome(
  context: NativeContext,
  request: FastifyRequest,
  reply: FastifyReply,
  outcome: Outcome,
): FastifyReply {
  return 'problem' in outcome ? sendProblem(context, request, reply, outcome) : sendAnswer(reply, outcome)
}

function sendAnswer(reply: FastifyReply, { status, body, headers, isReplay }: Answer): FastifyReply {
  reply.code(status)
  if (isReplay) reply.header('idempotency-replayed', 'true')
  if (body === undefined) return reply.headers(headers ?? {}).send()
  reply.header('content-type', jsonType)
  if (headers) reply.headers(headers)
  return reply.send(typeof body === 'string' ? body : JSON.stringify(body))
}

export function sendProblem(
  context: NativeContext,
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
): FastifyReply {
  const { problem: type, retryAfterMs, headers } = problem
  reply.errorCode = type
  if (retryAfterMs !== undefined) reply.header('retry-after', secondsOf(retryAfterMs))
  if (headers) reply.headers(headers)
  return reply
    .code(problems[type].status)
    .header('content-type', problemType)
    .send(bodyOf(problem, request.id, originOf(context, request)))
}

/** The same for bytes that never became a request. Its type has no host, because the request had none. */
export function unreadableAnswer(problem: Problem, requestId: string): UnreadableAnswer {
  return {
    status: problems[problem.problem].status,
    errorCode: problem.problem,
    headers: { 'content-type': problemType, ...problem.headers },
    body: bodyOf(problem, requestId, ''),
  }
}

function bodyOf({ problem, detail, members, retryAfterMs }: Problem, requestId: string, origin: string) {
  const { title, status } = problems[problem]
  return JSON.stringify({
    type: `${origin}/v1/problems/${problem}`,
    title,
    status,
    ...(detail !== undefined && { detail }),
    instance: requestId,
    ...(retryAfterMs !== undefined && { retry_after_s: secondsOf(retryAfterMs) }),
    ...members,
  })
}

/** The base address of this server, as the caller reaches it: that of the settings, or that of the request. */
export function originOf({ services }: NativeContext, request: FastifyRequest): string {
  return services.publicUrl() ?? (request.host ? `${request.protocol}://${request.host}` : '')
}
