/** The paths that carriers call with receipts, one for each provider that gets them by HTTP. */

import type { FastifyInstance } from 'fastify'
import type { ReceiptAnswer, ReceiptRequest } from '../flows/services.ts'
import { clientAddressOf } from './client-address.ts'

export type ReceiptPagesOptions = {
  /** The provider's own handling of a call, by its name. */
  readonly takers: ReadonlyMap<string, (request: ReceiptRequest) => Promise<ReceiptAnswer>>
  /** Called for each call that was refused, with the reason. */
  readonly onRefused: (provider: string, reason: string) => void
  readonly onError: (provider: string, error: unknown) => void
}

/** The largest call. Carriers report many messages in one call, which the limit of other calls would refuse. */
const maxCallBytes = 1024 * 1024

/**
 * `/receipts/NAME`, GET and POST. The provider verifies the caller. A call can change nothing but the state of a dispatch
 * by this provider.
 */
export async function receiptPages(
  app: FastifyInstance,
  { takers, onRefused, onError }: ReceiptPagesOptions,
): Promise<void> {
  // The body stays as bytes, because signatures are over the bytes.
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer', bodyLimit: maxCallBytes }, (_request, body, done) =>
    done(null, body),
  )
  app.route<{ Params: { name: string } }>({
    method: ['GET', 'POST'],
    url: '/receipts/:name',
    bodyLimit: maxCallBytes,
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
        // Most likely the store is away; the carrier should send it again.
        onError(request.params.name, error)
        return reply.code(503).header('retry-after', 5).send('Not now.\n')
      }
    },
  })
}
