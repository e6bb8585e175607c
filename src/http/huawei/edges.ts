/** The dialect's answers to errors, unknown paths, and requests that are no good for any API. */

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../errors.ts'
import { maxDepth } from '../../outside.ts'
import type { Fault } from '../../schema-faults.ts'
import type { OnError, UnreadableAnswer } from '../dialect.ts'
import { problemOf, type RequestProblem, type UnreadableProblem } from '../request-problem.ts'
import { sendRefusal, unreadableAnswer } from './answer.ts'
import type { Refusal } from './errors.ts'
import { invalid, refusalOf } from './parameters.ts'

type NotFound = (request: FastifyRequest, reply: FastifyReply) => FastifyReply

/** To be called before the routes are made. @returns The answer to a path or a method that is none of theirs. */
export function answerEdges(app: FastifyInstance, onError: OnError): NotFound {
  const calls = new Map<string, Set<string>>()
  app.addHook('onRoute', ({ url, method }) => {
    const methods = calls.get(url) ?? new Set()
    for (const one of [method].flat()) methods.add(one)
    calls.set(url, methods)
  })
  const notFound = notFoundAmong(calls)

  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error.validation)
      // By Fastify's types these are Ajv's; they are what `bodyCheck` found.
      return sendRefusal(request, reply, refusalOf(error.validation as unknown as readonly Fault[]))
    const problem = problemOf(error)
    if (problem === 'body-too-large')
      return sendRefusal(request, reply, largerThan(request.routeOptions.bodyLimit ?? 0))
    if (problem) return sendRefusal(request, reply, problems[problem])
    onError(error, request)
    return error instanceof AppError && error.code === 'store.unavailable'
      ? sendRefusal(request, reply, { code: 'USG.000000001', retryAfterMs: 1000 })
      : sendRefusal(request, reply, { code: 'USG.000000002' })
  })

  app.setNotFoundHandler(notFound)
  return notFound
}

/** @param calls  The methods of each path. */
function notFoundAmong(calls: ReadonlyMap<string, ReadonlySet<string>>): NotFound {
  return (request, reply) => {
    const path = request.url.split('?')[0]!
    const parts = path.split('/')
    const known = [...calls].flatMap(([pattern, methods]) => (isOf(pattern, parts) ? [...methods] : []))
    const allowed = [...new Set(known)].sort().join(', ')
    const { method } = request
    if (allowed === '') return sendRefusal(request, reply, noSuchCall(method, path))
    reply.header('allow', allowed)
    return sendRefusal(request, reply, { code: 'USG.000000007', details: { method, allowed } })
  }
}

/** Whether the path is one of a call's, as the router reads it: a parameter stands for one part, even an empty one. */
function isOf(pattern: string, given: readonly string[]): boolean {
  const wanted = pattern.split('/')
  return (
    wanted.length === given.length && wanted.every((part, i) => part.startsWith(':') || part === given[i])
  )
}

export function answerTo(problem: UnreadableProblem, requestId: string): UnreadableAnswer {
  const refusal = problem === 'tunnel' ? noSuchCall('CONNECT', '') : unreadable[problem]
  return unreadableAnswer(refusal, requestId)
}

/** The answer repeats the path only if it is plain, because a path may hold anything, even a phone number. */
function noSuchCall(method: string, path: string): Refusal {
  const isPlain = /^[A-Za-z/_-]{1,64}$/.test(path.replace(/v\d/g, 'v'))
  return { code: 'USG.000000006', details: { method, path: isPlain ? path : '…' } }
}

const unreadable: Readonly<Record<Exclude<UnreadableProblem, 'tunnel'>, Refusal>> = {
  'not-http': invalid('request', { 'zh-CN': '不是有效的 HTTP', 'en-US': 'it is not valid HTTP' }),
  'headers-too-large': invalid('headers', {
    'zh-CN': '超过 16 KiB',
    'en-US': 'they are larger than 16 KiB',
  }),
  'too-slow': invalid('request', {
    'zh-CN': '未在 10 秒内完整到达',
    'en-US': 'it was not here whole within 10 seconds',
  }),
}

const problems: Readonly<Record<Exclude<RequestProblem, 'body-too-large'>, Refusal>> = {
  'not-utf-8': invalid('body', { 'zh-CN': '不是 UTF-8 编码', 'en-US': 'it is not UTF-8' }),
  syntax: invalid('body', { 'zh-CN': '不是有效的 JSON', 'en-US': 'it is not valid JSON' }),
  'too-deep': invalid('body', {
    'zh-CN': `嵌套超过 ${maxDepth} 层`,
    'en-US': `it is nested deeper than ${maxDepth} levels`,
  }),
  'too-many': invalid('body', { 'zh-CN': '值过多', 'en-US': 'it has too many values' }),
  host: invalid('Host', { 'zh-CN': '必须携带且仅携带一次', 'en-US': 'it is mandatory, and only once' }),
  path: invalid('path', {
    'zh-CN': '百分号编码不是 UTF-8',
    'en-US': 'its percent-encoding is not that of UTF-8',
  }),
}

function largerThan(bytes: number): Refusal {
  const size = `${bytes / 1024} KiB`
  return invalid('body', { 'zh-CN': `超过 ${size}`, 'en-US': `it is larger than ${size}` })
}
