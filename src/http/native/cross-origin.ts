/** What lets pages of other origins make the calls that are for browsers, and no others (the Fetch Standard's CORS). */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * Any page may read the answers. No call depends on cookies, and a publishable key is checked for its origins before
 * anything is done.
 */
const anyPage = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers':
    'Countersign-Version, Idempotency-Replayed, RateLimit, RateLimit-Policy, Retry-After, X-Request-Id',
}

export function allowAnyPage(_request: FastifyRequest, reply: FastifyReply, done: () => void): void {
  reply.headers(anyPage)
  done()
}

/** Answers what browsers ask before the call itself. */
export function answerPreflight(app: FastifyInstance, url: string, methods: readonly string[]): void {
  app.options(url, (_request, reply) =>
    reply
      .headers(anyPage)
      .headers({
        'access-control-allow-methods': methods.join(', '),
        'access-control-allow-headers':
          'Authorization, Content-Type, Countersign-Version, Idempotency-Key, X-Request-Id',
        'access-control-max-age': '600',
      })
      .code(204)
      .send(),
  )
}
