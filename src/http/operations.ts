/** What operators and their machines ask: is it alive, is it ready, what does it count. */

import type { FastifyInstance } from 'fastify'
import type { Services } from '../flows/services.ts'
import { isFromThisMachine } from './this-machine.ts'

export type OperationsOptions = {
  readonly services: Pick<Services, 'store'>
  /** As Prometheus reads them, and how that form is called. */
  readonly metrics: () => Promise<{ readonly type: string; readonly text: string }>
  /** false: nothing but a new start helps. */
  readonly isAlive: () => boolean
  readonly isReady: () => boolean
}

/**
 * /livez: the process answers and need not be started again. /readyz: it can serve, false from the moment a stop began so that
 * nobody sends more. /metrics: Prometheus; it tells how much is sent where, so it is for this machine
 * alone, also when a proxy passes everything on.
 */
export function operationsPages(
  app: FastifyInstance,
  { services, metrics, isAlive, isReady }: OperationsOptions,
): void {
  app.get('/livez', (_request, reply) =>
    isAlive()
      ? reply.type('text/plain').send('alive\n')
      : reply.code(500).type('text/plain').send('the store is gone, start again\n'),
  )

  app.get('/readyz', async (_request, reply) => {
    reply.type('text/plain').header('cache-control', 'no-store')
    if (!isReady()) return reply.code(503).send('stopping\n')
    const isStoreWell = await services.store.now().then(
      () => true,
      () => false,
    )
    return isStoreWell
      ? reply.send('ready\n')
      : reply.code(503).header('retry-after', 1).send('the store is away\n')
  })

  app.get('/metrics', async (request, reply) => {
    if (!isFromThisMachine(request))
      return reply.code(403).type('text/plain').send('Only for this machine.\n')
    const { type, text } = await metrics()
    return reply.type(type).send(text)
  })
}
