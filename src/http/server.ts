/** A listener: Fastify with the bounds that keep one bad client from stopping the others. It knows no dialect. */

import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import Fastify, { type FastifyInstance } from 'fastify'
import { headersOfEveryAnswer } from './answer-headers.ts'
import { bodyCheck } from './body-check.ts'
import { trustOf } from './client-address.ts'
import type { Dialect, Mounted, OnError } from './dialect.ts'
import { readJsonBodies } from './json-body.ts'
import { answerErrorsPlainly, plainAnswers } from './plain-answers.ts'
import { requestIdOf } from './request-id.ts'
import { RequestError } from './request-problem.ts'
import { isDecodable, routableUrl } from './routable-url.ts'
import { endWithoutLoss } from './silent-connections.ts'
import { createRefuser } from './unreadable-requests.ts'

export type ServerOptions = {
  /** PEM certificate chain and key; absent: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  /** Addresses or CIDR blocks of proxies whose X-Forwarded-For is believed. */
  readonly trustedProxies: readonly string[]
  /**
   * APIs beside others, each with its own answers to whatever its callers do wrong. Where none is mounted at the root,
   * unknown paths are answered in plain text.
   */
  readonly dialects?: readonly Mounted[] | undefined
  /** Whether browsers must use HTTPS from now on. Default: no. */
  readonly isStrict?: boolean
  /** While true each answer ends its connection, so that a client’s next request goes elsewhere. */
  readonly isStopping?: () => boolean
  /** Called after each answer. */
  readonly onAnswer: (answer: Answer) => void
  /** Called with each error that was answered with 500. */
  readonly onError?: OnError
}

export type Answer = {
  readonly requestId: string
  readonly method: string
  /** The pattern that was served, never the path that was asked for. */
  readonly route: string
  readonly status: number
  readonly errorCode: string
  readonly tookMs: number
}

declare module 'fastify' {
  interface FastifyReply {
    /** A dialect's code of a refusal, for log and metrics. */
    errorCode: string
  }
}

const maxBodyBytes = 16 * 1024
const maxHeaderBytes = 16 * 1024
/** A request must have arrived whole within this time. */
const maxRequestMs = 10_000

export function createServer({
  tls,
  trustedProxies,
  dialects = [],
  isStrict = false,
  isStopping = () => false,
  onAnswer,
  onError = () => undefined,
}: ServerOptions): FastifyInstance {
  const everyAnswer = headersOfEveryAnswer(isStrict)
  const atRoot = dialects.find(({ prefix }) => prefix === '')?.dialect ?? plainAnswers
  /** The dialect that a connection's last request was for, where that is not the one at the root. */
  const spokenOn = new WeakMap<Duplex, Dialect>()
  const limits = {
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: maxRequestMs,
    requestTimeout: maxRequestMs,
    // The default of 30 s would let a slow sender hold on three times as long as allowed.
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 72_000,
    // Node's own answer would have no body and no id.
    requireHostHeader: false,
  }
  const refuser = createRefuser({
    dialectOf: (socket) => spokenOn.get(socket) ?? atRoot,
    everyAnswer,
    onRefused: (refused) => onAnswer({ ...refused, route: 'unknown', tookMs: 0 }),
  })
  const options = {
    logger: false,
    bodyLimit: maxBodyBytes,
    genReqId: (raw: IncomingMessage) => requestIdOf(raw.headers),
    requestTimeout: maxRequestMs,
    trustProxy: trustedProxies.length > 0 ? trustOf(trustedProxies) : false,
    forceCloseConnections: 'idle' as const,
    schemaController: bodyCheck,
    clientErrorHandler: refuser.refuseGarbage,
    // Fastify answers these two itself, with the path in the answer. A parameter that is too long matches no record.
    rewriteUrl: ({ url, method }: IncomingMessage) => routableUrl(url ?? '/', method),
    routerOptions: { maxParamLength: maxHeaderBytes },
    return503OnClosing: false,
  } as const
  // Fastify's types keep the two kinds of server apart; the routes do not.
  const app = (
    tls
      ? Fastify({
          ...options,
          https: { ...tls, ...limits, minVersion: 'TLSv1.2', handshakeTimeout: maxRequestMs },
        })
      : Fastify({ ...options, http: limits })
  ) as FastifyInstance

  app.decorateReply('errorCode', '')
  refuser.watch(app.server)
  endWithoutLoss(app, tls !== null)
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(everyAnswer).header('x-request-id', request.id)
    // The content type is ignored, because Fastify refuses one that is empty or malformed.
    if (request.headers['content-type'] !== undefined) request.headers['content-type'] = undefined
    if (!hasOneHost(request.raw)) done(new RequestError('host'))
    else if (!isDecodable(request.originalUrl)) done(new RequestError('path'))
    else done()
  })
  // A client that finds a kept connection closed does not know whether its request was received.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (isStopping()) reply.header('connection', 'close')
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    onAnswer({
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'unknown',
      status: reply.statusCode,
      errorCode: reply.errorCode,
      tookMs: reply.elapsedTime,
    })
    done()
  })
  readJsonBodies(app, { trailingCommas: false })
  answerErrorsPlainly(app, onError)
  if (atRoot === plainAnswers) plainAnswers.register(app, onError)
  for (const { prefix, dialect } of dialects)
    app.register(
      async (scope) => {
        if (dialect !== atRoot)
          scope.addHook('onRequest', (request, _reply, done) => {
            spokenOn.set(request.socket, dialect)
            done()
          })
        dialect.register(scope, onError)
      },
      { prefix },
    )
  return app
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
