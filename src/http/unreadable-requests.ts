/** Bytes that never become a request. Node would answer them barely or not at all. */

import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Dialect } from './dialect.ts'
import { requestIdOf } from './request-id.ts'
import type { UnreadableProblem } from './request-problem.ts'

export type Refused = {
  readonly requestId: string
  readonly method: string
  readonly status: number
  readonly errorCode: string
}

export type RefuserNeeds = {
  /** The dialect that a connection is answered by. */
  readonly dialectOf: (socket: Duplex) => Dialect
  readonly everyAnswer: Readonly<Record<string, string>>
  /** Called after each answer. */
  readonly onRefused: (refused: Refused) => void
}

/**
 * Node looks once a second for connections whose time has run out, and finds thousands at once if thousands were opened
 * at once. A refusal with its log line costs some 60 µs, so this many hold other callers up for 4 ms before they get
 * their turn.
 */
const maxRefusalsPerTurn = 64

type Waiting = {
  readonly socket: Duplex
  readonly problem: UnreadableProblem
  readonly method: string
  readonly requestId: string
}

export function createRefuser({ dialectOf, everyAnswer, onRefused }: RefuserNeeds) {
  const waiting: Waiting[] = []

  function refuse(socket: Duplex, problem: UnreadableProblem, method: string, requestId: string): void {
    // Otherwise the rest of a late request could still arrive, and its call would be made and refused.
    socket.pause()
    if (waiting.push({ socket, problem, method, requestId }) === 1) setImmediate(refuseSome)
  }

  function refuseSome(): void {
    const now = waiting.splice(0, maxRefusalsPerTurn)
    if (waiting.length > 0) setImmediate(refuseSome)
    for (const { socket, problem, method, requestId } of now) {
      if (!socket.writable) {
        socket.destroy()
        continue
      }
      const { status, errorCode, headers, body } = dialectOf(socket).answerTo(problem, requestId)
      socket.end(bytesOf(status, { ...everyAnswer, 'x-request-id': requestId, ...headers }, body))
      // A half-open connection ends only when its peer is read to the end.
      socket.resume()
      onRefused({ requestId, method, status, errorCode })
    }
  }

  return {
    /** For what is not HTTP, or too large or too slow to be read. Fastify's `clientErrorHandler`. */
    refuseGarbage({ code = '' }: Error & { code?: string }, socket: Duplex): void {
      if (code === 'ECONNRESET' || !socket.writable) socket.destroy()
      else refuse(socket, problems[code] ?? 'not-http', 'unknown', requestIdOf({}))
    },
    watch(server: Server): void {
      // RFC 9110 10.1.1: an unknown expectation may be answered with 417, or be ignored.
      server.on('checkExpectation', (request, response) => server.emit('request', request, response))
      server.on('connect', ({ method = '', headers }: IncomingMessage, socket: Duplex) => {
        socket.on('error', () => socket.destroy())
        refuse(socket, 'tunnel', method, requestIdOf(headers))
      })
    },
  }
}

/** By Node's codes: https://nodejs.org/api/http.html#event-clienterror and the errors of its parser, llhttp. */
const problems: Readonly<Record<string, UnreadableProblem>> = {
  HPE_HEADER_OVERFLOW: 'headers-too-large',
  ERR_HTTP_REQUEST_TIMEOUT: 'too-slow',
}

function bytesOf(status: number, headers: Readonly<Record<string, string>>, body: string): string {
  const all = { ...headers, 'content-length': Buffer.byteLength(body), connection: 'close' }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${body}`
}
