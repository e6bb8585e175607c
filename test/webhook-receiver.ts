/** An endpoint of an app in the test's own process, whose bad days are scripted; it keeps all that was posted to it. */

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

/** What it does with a post. Only `accept` is a status of 2xx. */
export type ReceiverBehaviour = 'accept' | 'redirect' | 'reset' | 'silence' | 'accept-and-vanish' | number

export type Posted = {
  readonly id: string
  readonly type: string
  readonly verification: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly data: Record<string, unknown>
  readonly path: string
  /** Whether it was taken. */
  readonly isTaken: boolean
}

export type WebhookReceiver = AsyncDisposable & {
  readonly url: string
  /** All that came, taken or not, in order. */
  readonly posted: Posted[]
  behaviour: ReceiverBehaviour | ((nth: number, posted: Posted) => ReceiverBehaviour)
}

export async function startWebhookReceiver(): Promise<WebhookReceiver> {
  const posted: Posted[] = []
  const sockets = new Set<Socket>()

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += chunk
    const { id, type, data } = JSON.parse(body) as Pick<Posted, 'id' | 'type' | 'data'>
    const one = {
      ...{ id, type, data, body, path: request.url ?? '' },
      verification: String(data.verification ?? ''),
      headers: request.headers as Record<string, string>,
      isTaken: false,
    }
    const { behaviour } = receiver
    const act = typeof behaviour === 'function' ? behaviour(posted.length, one) : behaviour
    posted.push({ ...one, isTaken: act === 'accept' || act === 'accept-and-vanish' })
    switch (act) {
      case 'accept':
        return void response.writeHead(204).end()
      case 'redirect':
        return void response.writeHead(302, { location: `${receiver.url}/elsewhere` }).end()
      case 'reset':
      case 'accept-and-vanish':
        return void request.socket.resetAndDestroy()
      case 'silence':
        return
      default:
        response.writeHead(act).end()
    }
  }

  const server = createServer((request, response) => {
    take(request, response).catch(() => undefined)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    posted,
    behaviour: 'accept',
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return receiver
}
