/** The Huawei Cloud Meeting dialect as one plugin: its parser, headers, error shape and routes. */

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { answerBy } from '../../deadline.ts'
import { AppError } from '../../errors.ts'
import type { Services } from '../../flows/services.ts'
import { deepest, type Parsed, parseJson, parseText } from '../../outside.ts'
import { sendRefusal, setHeaders } from './answer.ts'
import type { Refusal } from './errors.ts'
import { loginRoutes } from './login.ts'
import { memberRoutes } from './member.ts'
import { invalid, refusalOf } from './parameters.ts'
import { verificationCodeRoutes } from './verification-code.ts'

/** Callers are told within a second that the store is away or slow. */
const longestAnswerMs = 850

const methods = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT'] as const

export type DialectOptions = {
  readonly services: Services
  /** Answers demand HTTPS of browsers, see `setHeaders`. */
  readonly isStrict: boolean
  /** Told of what was answered with 500. */
  readonly onError: (error: unknown, request: FastifyRequest) => void
}

/**
 * Registers the dialect. It also answers for paths that nobody serves, for a caller of a wrong path
 * reads this error shape as well as any.
 */
export function huaweiDialect(app: FastifyInstance, { services, isStrict, onError }: DialectOptions): void {
  app.addHook('onRequest', (request, reply, done) => {
    setHeaders(request, reply, isStrict)
    done()
  })
  app.decorateRequest('session', null as never)
  app.decorateRequest('waitedMs', 0)

  // Not before it is whole: how slowly it was sent is not the store's fault.
  app.addHook('preHandler', (request, _reply, done) => {
    answerBy(performance.now() + longestAnswerMs - request.waitedMs, done)
  })

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    // Bodyless calls with a JSON content type come from the official Node SDK.
    if (body.length === 0) return done(null, undefined)
    const text = parseText(body as Buffer)
    // The reference's own cURL sample has a trailing comma, and newcomers paste it.
    const outcome = text.kind === 'parsed' ? parseJson(text.value, { trailingCommas: true }) : text
    if (outcome.kind === 'parsed') done(null, outcome.value)
    else done(new MalformedBody(outcome.problem))
  })

  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error.validation) return sendRefusal(request, reply, refusalOf(error.validation))
    if (error instanceof MalformedBody) return sendRefusal(request, reply, malformed[error.problem])
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return sendRefusal(request, reply, largeBody)
    if (error instanceof AppError && error.code === 'store.unavailable') {
      onError(error, request)
      return sendRefusal(request, reply, { code: 'USG.000000001', retryAfterMs: 1000 })
    }
    if (error.statusCode !== undefined && error.statusCode < 500)
      return sendRefusal(request, reply, malformed.syntax)
    onError(error, request)
    return sendRefusal(request, reply, { code: 'USG.000000002' })
  })

  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    // Echoed only if plain: a path may hold anything, a number included.
    const path = request.url.split('?')[0]!
    const allowed = methods.filter((method) => app.hasRoute({ url: path, method }))
    const { method } = request
    if (allowed.length === 0)
      return sendRefusal(request, reply, { code: 'USG.000000006', details: { method, path: plain(path) } })
    reply.header('allow', allowed.join(', '))
    return sendRefusal(request, reply, {
      code: 'USG.000000007',
      details: { method, allowed: allowed.join(', ') },
    })
  })

  verificationCodeRoutes(app, services)
  memberRoutes(app, services)
  loginRoutes(app, services)
}

type Problem = Extract<Parsed<never>, { kind: 'malformed' }>['problem']

class MalformedBody extends Error {
  readonly statusCode = 400
  readonly problem: Problem

  constructor(problem: Problem) {
    super(problem)
    this.problem = problem
  }
}

const malformed: Readonly<Record<Problem, Refusal>> = {
  'not-utf-8': invalid('body', { 'zh-CN': '不是 UTF-8 编码', 'en-US': 'it is not UTF-8' }),
  syntax: invalid('body', { 'zh-CN': '不是有效的 JSON', 'en-US': 'it is not valid JSON' }),
  'too-deep': invalid('body', {
    'zh-CN': `嵌套超过 ${deepest} 层`,
    'en-US': `it is nested deeper than ${deepest} levels`,
  }),
  'too-many': invalid('body', { 'zh-CN': '值过多', 'en-US': 'it has too many values' }),
}
const largeBody = invalid('body', { 'zh-CN': '超过 16 KiB', 'en-US': 'it is larger than 16 KiB' })

function plain(path: string): string {
  return /^[A-Za-z/_-]{1,64}$/.test(path.replace(/v\d/g, 'v')) ? path : '…'
}
