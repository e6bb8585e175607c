/** The native API's answers to errors, unknown paths, and requests that are no good for any API. */

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { AppError } from '../../errors.ts'
import { maxDepth } from '../../outside.ts'
import type { Fault } from '../../schema-faults.ts'
import type { OnError, UnreadableAnswer } from '../dialect.ts'
import { problemOf, type RequestProblem, type UnreadableProblem } from '../request-problem.ts'
import { sendProblem, unreadableAnswer } from './answer.ts'
import { problemOfFaults } from './faults.ts'
import type { Problem } from './problems.ts'
import type { NativeContext, Route } from './route.ts'

export function answerEdges(
  app: FastifyInstance,
  context: NativeContext,
  routes: readonly Route[],
  onError: OnError,
): void {
  const allowedOn = methodsOf(app.prefix, routes)
  app.setErrorHandler((error: FastifyError, request, reply) => {
    if (error.validation)
      // By Fastify's types these are Ajv's; they are what `bodyCheck` found.
      return sendProblem(
        context,
        request,
        reply,
        problemOfFaults(error.validation as unknown as readonly Fault[], error.validationContext),
      )
    const problem = problemOf(error)
    if (problem) return sendProblem(context, request, reply, malformed(words[problem], problem))
    onError(error, request)
    return sendProblem(
      context,
      request,
      reply,
      error instanceof AppError && error.code === 'store.unavailable'
        ? { problem: 'store-unavailable', retryAfterMs: 1000 }
        : { problem: 'internal' },
    )
  })
  app.setNotFoundHandler((request: FastifyRequest, reply: FastifyReply) => {
    const allowed = allowedOn(request.url.split('?')[0]!)
    return sendProblem(
      context,
      request,
      reply,
      allowed === ''
        ? { problem: 'not-found', detail: 'There is no such path.' }
        : {
            problem: 'method-not-allowed',
            detail: `This path takes ${allowed}.`,
            headers: { allow: allowed },
          },
    )
  })
}

/** @returns The methods that a path takes, in a list; empty if there is no such path. */
function methodsOf(prefix: string, routes: readonly Route[]): (path: string) => string {
  const known = [...Map.groupBy(routes, ({ path }) => path)].map(([path, ofPath]) => ({
    form: new RegExp(`^${RegExp.escape(prefix)}${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
    methods: ofPath.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])).join(', '),
  }))
  return (path) => known.find(({ form }) => form.test(path))?.methods ?? ''
}

export function answerTo(problem: UnreadableProblem, requestId: string): UnreadableAnswer {
  return unreadableAnswer(
    problem === 'tunnel'
      ? { problem: 'not-found', detail: 'This server is no proxy.' }
      : malformed(unreadable[problem], problem),
    requestId,
  )
}

function malformed(detail: string, code: string): Problem {
  if (code === 'body-too-large') return { problem: 'payload-too-large', detail }
  return { problem: 'invalid-request', detail, members: { errors: [{ pointer: '', code, detail }] } }
}

const unreadable: Readonly<Record<Exclude<UnreadableProblem, 'tunnel'>, string>> = {
  'not-http': 'The request is not valid HTTP.',
  'headers-too-large': 'The headers are larger than 16 KiB.',
  'too-slow': 'The request was not here whole within 10 seconds.',
}

const words: Readonly<Record<RequestProblem, string>> = {
  host: 'Host is mandatory, and only once.',
  path: 'The percent-encoding of the path is not that of UTF-8.',
  'body-too-large': 'The body is larger than 16 KiB.',
  'not-utf-8': 'The body is not UTF-8.',
  syntax: 'The body is no JSON.',
  'too-deep': `The body is nested deeper than ${maxDepth} levels.`,
  'too-many': 'The body has too many values.',
}
