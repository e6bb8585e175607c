/** What every listener answers whatever it serves, in the dialect's shape: its headers, unknown paths, errors, bodies. */

import type { IncomingMessage } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../errors.ts'
import { deepest, type Parsed, parseJson, parseText } from '../../outside.ts'
import { sendRefusal, setHeaders } from './answer.ts'
import type { Refusal } from './errors.ts'
import { invalid, refusalOf } from './parameters.ts'

export type EdgeOptions = {
  /** Answers demand HTTPS of browsers, see `setHeaders`. */
  readonly isStrict: boolean
  /** Told of what was answered with 500. */
  readonly onError: (error: unknown, request: FastifyRequest) => void
}

const methods = ['DELETE', 'GET', 'HEAD', 'PATCH', 'POST', 'PUT'] as const

/**
 * Registers them for all that the listener serves. A caller of a wrong path reads this shape as well as any, and
 * pages that have a shape of their own say so themselves.
 */
export function answerEdges(app: FastifyInstance, { isStrict, onError }: EdgeOptions): void {
  app.addHook('onRequest', (request, reply, done) => {
    setHeaders(request, reply, isStrict)
    // A body is what it is, whatever it is called: Fastify refuses a type that is empty or malformed.
    if (request.headers['content-type'] !== undefined) request.headers['content-type'] = undefined
    if (hasOneHost(request.raw)) done()
    else sendRefusal(request, reply, wrongHost)
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
    if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
      return sendRefusal(request, reply, largerThan(request.routeOptions.bodyLimit ?? 0))
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
    if (!isDecodable(request.originalUrl)) return sendRefusal(request, reply, wrongPath)
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
}

/** Where requests go whose path cannot be decoded, which Fastify would answer itself and repeat: to nobody. */
export function routableUrl(url: string): string {
  return isDecodable(url) ? url : '/undecodable'
}

function isDecodable(url: string): boolean {
  if (!url.includes('%')) return true
  try {
    decodeURIComponent(url.split('?', 1)[0]!)
    return true
  } catch {
    return false
  }
}

/** RFC 9112 3.2: a request of HTTP/1.1 without a Host line, or with several, is answered with 400. */
function hasOneHost({ httpVersion, headers, rawHeaders }: IncomingMessage): boolean {
  if (headers.host === undefined) return httpVersion !== '1.1'
  let hosts = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!
    if (name.length === 4 && name.toLowerCase() === 'host') hosts++
  }
  return hosts === 1
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
const wrongHost = invalid('Host', {
  'zh-CN': '必须携带且仅携带一次',
  'en-US': 'it is mandatory, and only once',
})
const wrongPath = invalid('path', {
  'zh-CN': '百分号编码不是 UTF-8',
  'en-US': 'its percent-encoding is not that of UTF-8',
})

function largerThan(bytes: number): Refusal {
  const size = `${bytes / 1024} KiB`
  return invalid('body', { 'zh-CN': `超过 ${size}`, 'en-US': `it is larger than ${size}` })
}

function plain(path: string): string {
  return /^[A-Za-z/_-]{1,64}$/.test(path.replace(/v\d/g, 'v')) ? path : '…'
}
