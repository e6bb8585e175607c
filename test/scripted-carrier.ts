/** A carrier with an HTTP interface in the test's own process, whose bad days are scripted; it keeps what it took. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What the carrier does with a message. Only `accept` and `accept-slowly` take it for certain. */
export type Behaviour =
  | 'accept'
  /** Takes it and answers after `delayMs`. */
  | 'accept-slowly'
  /** Takes it, then the connection ends without an answer. */
  | 'accept-and-vanish'
  | '500'
  | '429'
  | 'garbage'
  /** 200, and an error in the body. */
  | '200-with-error'
  | 'silence'
  /** Begins an answer that never ends, a byte a second. */
  | 'slow-loris'
  | 'reset'
  /** The number can never be reached. */
  | 'refuse'

export type Acquired = {
  readonly to: string
  readonly id: string
  readonly text: string
  readonly code: string | undefined
  readonly at: number
}

export type ScriptedCarrier = AsyncDisposable & {
  readonly port: number
  /** All that came, taken or not, in order. */
  readonly asked: Acquired[]
  readonly taken: Acquired[]
  behaviour: Behaviour | ((nth: number, message: Acquired) => Behaviour)
  delayMs: number
  /** Lines of a settings file: a provider of this name that speaks to the carrier. */
  settings(name: string, more?: string): string
}

export async function startScriptedCarrier(): Promise<ScriptedCarrier> {
  const asked: Acquired[] = []
  const taken: Acquired[] = []
  const sockets = new Set<Socket>()
  const timers = new Set<NodeJS.Timeout>()
  let nth = 0

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += chunk
    const { to, id, text } = JSON.parse(body) as { to: string; id: string; text: string }
    const message: Acquired = { to, id, text, code: /\b(\d{6})\b/.exec(text)?.[1], at: Date.now() }
    asked.push(message)
    const { behaviour } = carrier
    act(typeof behaviour === 'function' ? behaviour(nth++, message) : behaviour, message, response)
  }

  function act(behaviour: Behaviour, message: Acquired, response: ServerResponse): void {
    const answer = (status: number, body: unknown, headers = {}) => {
      response.writeHead(status, { 'Content-Type': 'application/json', ...headers })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
    const accept = () => answer(200, { status: 'ok', id: `c-${message.id}` })
    switch (behaviour) {
      case 'accept':
        taken.push(message)
        accept()
        break
      case 'accept-slowly':
        taken.push(message)
        timers.add(setTimeout(accept, carrier.delayMs))
        break
      case 'accept-and-vanish':
        taken.push(message)
        response.socket?.destroy()
        break
      case '500':
        answer(500, { status: 'broken' })
        break
      case '429':
        answer(429, { status: 'slow down' }, { 'Retry-After': '1' })
        break
      case 'garbage':
        answer(200, '<html>\u0000 not what was expected')
        break
      case '200-with-error':
        answer(200, { status: 'error', error: 'no balance' })
        break
      case 'refuse':
        answer(400, { status: 'invalid-number' })
        break
      case 'silence':
        break
      case 'slow-loris':
        response.writeHead(200, { 'Content-Type': 'application/json' })
        response.write('{')
        timers.add(setInterval(() => response.write(' '), 1_000))
        break
      case 'reset':
        response.socket?.resetAndDestroy()
        break
    }
  }

  const server = createServer((request, response) => {
    take(request, response).catch(() => response.destroy())
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const carrier: ScriptedCarrier = {
    port,
    asked,
    taken,
    behaviour: 'accept',
    delayMs: 0,
    settings: (name, more = '') => `  ${name}:
    type: http
    allowPrivate: [127.0.0.1]
    receipts: false
    block:
      channels: [sms]
      request:
        server: 'http://127.0.0.1:${port}'
        path: /send
        json: { to: '{{ to }}', id: '{{ messageId }}', text: '{{ text }}' }
      answer:
        accepted: { status: 200, /status: ok }
        refused: { status: 400, /status: invalid-number, source: this file }
        throttled: { status: 429 }
        id: /id
        words: [/status, /error]
${more}`,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearTimeout(timer)
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return carrier
}
