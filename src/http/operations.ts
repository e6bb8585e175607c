/** What operators and their machines ask: is it alive, is it ready, what does it count. */

import type { FastifyInstance } from 'fastify'
import { isBearer } from './bearer.ts'
import { isFromThisMachine } from './this-machine.ts'

export type OperationsOptions = {
  /** false: nothing but a new start helps. */
  readonly isAlive: () => boolean
  readonly isReady: () => boolean
  /** Whether the store takes writes, proved by one. */
  readonly takesWrites: () => Promise<boolean>
}

/**
 * /livez: the process answers and need not be started again. /readyz: it can serve: the store takes writes, and no stop has
 * begun, so that nobody sends more.
 */
export function operationsPages(
  app: FastifyInstance,
  { isAlive, isReady, takesWrites }: OperationsOptions,
): void {
  app.get('/livez', (_request, reply) =>
    isAlive()
      ? reply.type('text/plain').send('alive\n')
      : reply.code(500).type('text/plain').send('the store is gone, start again\n'),
  )

  app.get('/readyz', async (_request, reply) => {
    reply.type('text/plain').header('cache-control', 'no-store')
    if (!isReady()) return reply.code(503).send('stopping\n')
    return (await takesWrites())
      ? reply.send('ready\n')
      : reply.code(503).header('retry-after', 1).send('the store takes no writes\n')
  })
}

export type MetricsOptions = {
  /** As Prometheus reads them, and how that form is called. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
  /** null: none is asked for. */
  readonly token: string | null
  /** Only for callers on this machine, whatever token they have. */
  readonly isForThisMachine: boolean
}

/** /metrics for Prometheus. It tells how much is sent where, so not for everyone. */
export async function metricsPage(
  app: FastifyInstance,
  { metrics, token, isForThisMachine }: MetricsOptions,
): Promise<void> {
  app.get('/metrics', async (request, reply) => {
    reply.type('text/plain').header('cache-control', 'no-store')
    if (isForThisMachine && !isFromThisMachine(request))
      return reply.code(403).send('Only for this machine; see metrics.listen in the settings.\n')
    if (token !== null && !isBearer(request.headers.authorization, token))
      return reply
        .code(401)
        .header('www-authenticate', 'Bearer')
        .send('Send "Authorization: Bearer TOKEN" with the token of metrics.tokenFile.\n')
    const { type, text } = await metrics()
    return reply.type(type).send(text)
  })
}
