/** Where carriers tell what became of messages: one path for each provider that takes receipts by HTTP. */

import type { FastifyInstance } from 'fastify'
import type { ReceiptAnswer, ReceiptRequest } from '../flows/services.ts'
import { clientAddressOf } from './client-address.ts'

export type ReceiptPagesOptions = {
  /** What each provider does with a call, by its name. */
  readonly takers: ReadonlyMap<string, (request: ReceiptRequest) => Promise<ReceiptAnswer>>
  /** Told of each call that was not taken, and why. */
  readonly onRefused: (provider: string, reason: string) => void
  readonly onError: (provider: string, error: unknown) => void
}

/** Carriers tell of many messages in one call; the bound of other calls would cut them off. */
const largestCall = 1024 * 1024

/**
 * `/receipts/NAME`, GET and POST. The provider verifies who calls; whatever it says of a call, nothing but
 * the state of a dispatch it made can change by it.
 */
export async function receiptPages(
  app: FastifyInstance,
  { takers, onRefused, onError }: ReceiptPagesOptions,
): Promise<void> {
  // As it came: signatures are over the bytes.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: largestCall }, (_request, body, done) =>
    done(null, body),
  )
  app.route<{ Params: { name: string } }>({
    method: ['GET', 'POST'],
    url: '/receipts/:name',
    bodyLimit: largestCall,
    exposeHeadRoute: false,
    async handler(request, reply) {
      reply.header('cache-control', 'no-store').type('text/plain')
      const limit = takers.get(request.params.name)
      if (!limit) return reply.code(404).send('No such carrier.\n')
      const mark = request.url.indexOf('?')
      try {
        const { status, contentType, body, reason } = await limit({
          method: request.method as 'GET' | 'POST',
          query: mark < 0 ? '' : request.url.slice(mark + 1),
          headers: request.headers as ReceiptRequest['headers'],
          body: Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0),
          clientIp: clientAddressOf(request),
        })
        if (reason !== undefined) onRefused(request.params.name, reason)
        if (contentType !== undefined) reply.type(contentType)
        return reply.code(status).send(body ?? '')
      } catch (error) {
        // Most likely the store is away: the carrier is to tell it again.
        onError(request.params.name, error)
        return reply.code(503).header('retry-after', 5).send('Not now.\n')
      }
    },
  })
}
