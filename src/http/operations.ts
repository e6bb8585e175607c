/** The pages for operators and their machines: is the server alive, is it ready, and its metrics. */

import type { FastifyInstance } from 'fastify'
import { isBearer } from './bearer.ts'
import { isFromThisMachine } from './this-machine.ts'

export type OperationsOptions = {
  /** false: only a new start helps. */
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
  /** The metrics in the form that Prometheus reads, with its media type. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
  /** null: no token is needed. */
  readonly token: string | null
  /** Whether only callers on this machine are answered, whatever token they have. */
  readonly isForThisMachine: boolean
}

/** /metrics for Prometheus. It shows how much is sent where, so it is not for everyone. */
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
