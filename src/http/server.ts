/** A listener: Fastify with the bounds that keep one bad client from stopping the others. */

import type { IncomingMessage } from 'node:http'
import { type Socket, Server as TcpServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { trustOf } from './client-address.ts'
import { requestIdOf } from './huawei/answer.ts'
import { answerEdges, routableUrl } from './huawei/edges.ts'
import { connectionRefuser } from './refused-connections.ts'

export type ServerOptions = {
  /** PEM certificate chain and key; absent: plain HTTP. */
  readonly tls: { readonly cert: string; readonly key: string } | null
  /** Addresses or CIDR blocks whose X-Forwarded-For is believed. None: nobody's. */
  readonly trustedProxies: readonly string[]
  /** Demand HTTPS of browsers from now on. Default: no. */
  readonly isStrict?: boolean
  /** While true each answer ends its connection, so that a client’s next request goes elsewhere. */
  readonly isStopping?: () => boolean
  /** Called after each answer. */
  readonly onAnswer: (answer: Answer) => void
  /** Told of what was answered with 500. */
  readonly onError?: (error: unknown, request: FastifyRequest) => void
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

const largestBody = 16 * 1024
const largestHeaders = 16 * 1024
/** A request must be here, whole, within this time. */
const slowestSenderMs = 10_000
const closeIdleEveryMs = 50
/** What was on its way when a connection was accepted is here by then. */
const longestSilenceMs = 500
const lookForSilentEveryMs = 5

export function createServer({
  tls,
  trustedProxies,
  isStrict = false,
  isStopping = () => false,
  onAnswer,
  onError = () => undefined,
}: ServerOptions): FastifyInstance {
  const limits = {
    maxHeaderSize: largestHeaders,
    headersTimeout: slowestSenderMs,
    requestTimeout: slowestSenderMs,
    // The default of 30 s would let a slow sender hold on three times as long as allowed.
    connectionsCheckingInterval: 1_000,
    keepAliveTimeout: 72_000,
    // Ours to refuse: Node's own answer is bare.
    requireHostHeader: false,
  }
  const refuser = connectionRefuser(isStrict, (refused) =>
    onAnswer({ ...refused, route: 'unknown', tookMs: 0 }),
  )
  const options = {
    logger: false,
    bodyLimit: largestBody,
    genReqId: (raw: IncomingMessage) => requestIdOf(raw.headers),
    requestTimeout: slowestSenderMs,
    trustProxy: trustedProxies.length > 0 ? trustOf(trustedProxies) : false,
    forceCloseConnections: 'idle' as const,
    // Strict types: "1" is no number and a missing field is not filled in.
    ajv: {
      customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false },
    },
    clientErrorHandler: refuser.refuseGarbage,
    // Fastify answers these two itself, with the path in the answer. What is too long leads nowhere anyhow.
    rewriteUrl: ({ url }: IncomingMessage) => routableUrl(url ?? '/'),
    routerOptions: { maxParamLength: largestHeaders },
    return503OnClosing: false,
  } as const
  // Fastify's types tell the two kinds of server apart; the routes do not.
  const app = (
    tls
      ? Fastify({
          ...options,
          https: { ...tls, ...limits, minVersion: 'TLSv1.2', handshakeTimeout: slowestSenderMs },
        })
      : Fastify({ ...options, http: limits })
  ) as FastifyInstance

  app.decorateReply('errorCode', '')
  refuser.watch(app.server)
  answerEdges(app, { isStrict, onError })
  const silent = silentConnections(app.server, tls !== null)
  app.addHook('preClose', async () => {
    // Node takes a connection without a request for an idle one and cuts it, though its first request may be
    // here already and only not be read yet. So no more are accepted, and those accepted may speak first.
    TcpServer.prototype.close.call(app.server)
    const until = performance.now() + longestSilenceMs
    while (silent.areThere() && performance.now() < until) await sleep(lookForSilentEveryMs)
    silent.endUngreeted()
    // Idle connections are closed as the end begins, but one whose answer was under way then becomes idle
    // later, and would hold the end up until its keep-alive ran out.
    const closing = setInterval(() => app.server.closeIdleConnections(), closeIdleEveryMs)
    app.server.once('close', () => clearInterval(closing))
  })
  // A client that finds a kept connection closed cannot tell whether its request was heard.
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
  return app
}

/** Watches a server for connections that have brought no request yet. */
function silentConnections(server: TcpServer, isTls: boolean) {
  const silent = new Set<Socket>()
  // Node does not know them as connections of HTTP yet, and so would wait for them. By their far end, which
  // is all that a socket has in common with that of TLS upon it.
  const ungreeted = new Map<string, Socket>()
  const farEnd = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`
  if (isTls)
    server.on('connection', (socket: Socket) => {
      const end = farEnd(socket)
      ungreeted.set(end, socket)
      socket.once('close', () => {
        if (ungreeted.get(end) === socket) ungreeted.delete(end)
      })
    })
  server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
    ungreeted.delete(farEnd(socket))
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  server.on('request', ({ socket }: IncomingMessage) => silent.delete(socket))
  return {
    areThere: () => silent.size + ungreeted.size > 0,
    /** Those that have not come to HTTP, for want of their part of TLS. */
    endUngreeted(): void {
      for (const socket of ungreeted.values()) socket.destroy()
    },
  }
}
