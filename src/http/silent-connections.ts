/** Connections that have brought no request yet. A server that ends waits a moment for them. */

import type { IncomingMessage } from 'node:http'
import { type Socket, Server as TcpServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'

/** How long a connection may take to bring its first request, which was on its way when the connection was accepted. */
const maxSilenceMs = 500
const checkSilentEveryMs = 5
const closeIdleEveryMs = 50

/** Ends a listener without losing a request that is on its way, and without waiting long for clients that send none. */
export function endWithoutLoss(app: FastifyInstance, isTls: boolean): void {
  const silent = silentConnections(app.server, isTls)
  app.addHook('preClose', async () => {
    // Node takes a connection without a request for an idle one and closes it, although its first request may
    // have arrived and only not been read yet. So no more connections are accepted, and those accepted get the
    // time for a first request.
    TcpServer.prototype.close.call(app.server)
    const until = performance.now() + maxSilenceMs
    while (silent.areThere() && performance.now() < until) await sleep(checkSilentEveryMs)
    silent.endUngreeted()
    // Node closes idle connections once, as the end begins. A connection that becomes idle later would hold the
    // end up until its keep-alive runs out.
    const closing = setInterval(() => app.server.closeIdleConnections(), closeIdleEveryMs)
    app.server.once('close', () => clearInterval(closing))
  })
}

function silentConnections(server: TcpServer, isTls: boolean) {
  const silent = new Set<Socket>()
  // Connections still in their TLS handshake. Node does not count them as connections of HTTP, and so would wait
  // for them. They are found by their far end, the only thing that a socket and the TLS socket upon it share.
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
    if (isTls) ungreeted.delete(farEnd(socket))
    silent.add(socket)
    socket.once('close', () => silent.delete(socket))
  })
  server.on('request', ({ socket }: IncomingMessage) => silent.delete(socket))
  return {
    areThere: () => silent.size + ungreeted.size > 0,
    endUngreeted(): void {
      for (const socket of ungreeted.values()) socket.destroy()
    },
  }
}
