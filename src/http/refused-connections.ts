/** What Node would answer by itself, barely or not at all: requests that never become one. */

import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { rawRefusal, requestIdOf, statusOf } from './huawei/answer.ts'
import type { Refusal } from './huawei/errors.ts'
import { invalid } from './huawei/parameters.ts'

export type Refused = {
  readonly requestId: string
  readonly method: string
  readonly status: number
  readonly errorCode: string
}

/** Refuses them in the documented shape, and has them told of like any other. */
export function connectionRefuser(isStrict: boolean, onRefused: (refused: Refused) => void) {
  const refuse = (socket: Duplex, refusal: Refusal, requestId: string, method: string) => {
    socket.end(rawRefusal(refusal, requestId, isStrict))
    onRefused({ requestId, method, status: statusOf(refusal), errorCode: refusal.code })
  }

  return {
    /** For what is not HTTP, or too large or too slow to be read. Fastify's `clientErrorHandler`. */
    refuseGarbage(error: Error & { code?: string }, socket: Duplex): void {
      if (error.code === 'ECONNRESET' || socket.destroyed || !socket.writable) return void socket.destroy()
      refuse(socket, garbage[error.code ?? ''] ?? notHttp, requestIdOf({}), 'unknown')
    },
    watch(server: Server): void {
      // RFC 9110 10.1.1: what is expected and not known may be answered with 417, or not be regarded.
      server.on('checkExpectation', (request, response) => server.emit('request', request, response))
      server.on('connect', ({ method = '', headers }: IncomingMessage, socket: Duplex) => {
        socket.on('error', () => socket.destroy())
        const noTunnel: Refusal = { code: 'USG.000000006', details: { method, path: '…' } }
        refuse(socket, noTunnel, requestIdOf(headers), method)
      })
    },
  }
}

const notHttp = invalid('request', { 'zh-CN': '不是有效的 HTTP', 'en-US': 'it is not valid HTTP' })
const garbage: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: invalid('headers', {
    'zh-CN': '超过 16 KiB',
    'en-US': 'they are larger than 16 KiB',
  }),
  ERR_HTTP_REQUEST_TIMEOUT: invalid('request', {
    'zh-CN': '未在 10 秒内完整到达',
    'en-US': 'it was not here whole within 10 seconds',
  }),
}
