/** The answers of a listener to requests for no dialect: one line of plain text. */

import type { FastifyError, FastifyInstance } from 'fastify'
import { AppError } from '../errors.ts'
import { maxDepth } from '../outside.ts'
import type { Dialect, OnError } from './dialect.ts'
import { problemOf, type RequestProblem, type UnreadableProblem } from './request-problem.ts'

const words: Readonly<Record<RequestProblem | UnreadableProblem, string>> = {
  'not-http': 'The request is not valid HTTP.',
  'headers-too-large': 'The headers are larger than 16 KiB.',
  'too-slow': 'The request was not here whole within 10 seconds.',
  tunnel: 'This server is no proxy.',
  host: 'Host is mandatory, and only once.',
  path: 'The percent-encoding of the path is not that of UTF-8.',
  'body-too-large': 'The body is too large.',
  'not-utf-8': 'The body is not UTF-8.',
  syntax: 'The body is malformed.',
  'too-deep': `The body is nested deeper than ${maxDepth} levels.`,
  'too-many': 'The body has too many values.',
}

/** Stands in for a dialect at the root of a listener that has none there. */
export const plainAnswers: Dialect = {
  register(app) {
    app.setNotFoundHandler((_request, reply) => reply.code(404).type('text/plain').send('Not found.\n'))
  },
  answerTo: (problem) => ({
    status: problem === 'tunnel' ? 404 : 400,
    errorCode: '',
    headers: { 'content-type': 'text/plain' },
    body: `${words[problem]}\n`,
  }),
}

/** Answers errors of routes that have no error handler of their own. */
export function answerErrorsPlainly(app: FastifyInstance, onError: OnError): void {
  app.setErrorHandler((error: FastifyError, request, reply) => {
    reply.type('text/plain')
    const problem = problemOf(error)
    if (problem) return reply.code(400).send(`${words[problem]}\n`)
    onError(error, request)
    if (error instanceof AppError && error.code === 'store.unavailable')
      return reply.code(503).header('retry-after', 1).send('The store is away.\n')
    return reply.code(500).send('Internal server error.\n')
  })
}
