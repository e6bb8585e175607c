/** The operator's own calls: the history of a verification, for callers with the administrator token. */

import type { FastifyError, FastifyInstance } from 'fastify'
import type { Services } from '../flows/services.ts'
import { findVerifications, verificationTimeline } from '../flows/verification-timeline.ts'
import { isBearer } from './bearer.ts'
import { isFromThisMachine } from './this-machine.ts'

export type AdminOptions = {
  readonly services: Pick<Services, 'store' | 'ring' | 'addressRules'>
  readonly token: string
  /** Whether only callers on this machine are answered, whatever token they have. */
  readonly isForThisMachine: boolean
  readonly onError: (error: unknown) => void
}

const maxLookBackMs = 400 * 86_400_000

/**
 * `GET /admin/v1/verifications/{id}` and `POST /admin/v1/verifications/search`. An address is never in a
 * URL, so a search is a POST. Answers are JSON; errors are `{ "error": "…" }`.
 */
export async function adminPages(
  app: FastifyInstance,
  { services, token, isForThisMachine, onError }: AdminOptions,
): Promise<void> {
  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    if (isForThisMachine && !isFromThisMachine(request))
      return reply.code(403).send({ error: 'Only for this machine; see admin.listen in the settings.' })
    if (!isBearer(request.headers.authorization, token))
      return reply
        .code(401)
        .header('www-authenticate', 'Bearer')
        .send({ error: 'Send "Authorization: Bearer TOKEN" with the administrator token.' })
  })
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    if (error.statusCode !== undefined && error.statusCode < 500)
      return reply.code(400).send({ error: 'Send one JSON object.' })
    onError(error)
    return reply.code(503).header('retry-after', 1).send({ error: 'The store is away.' })
  })

  app.get<{ Params: { id: string } }>('/admin/v1/verifications/:id', async ({ params }, reply) => {
    const timeline = /^[0-9a-f]{44}(?:[0-9a-f]{3})?$/.test(params.id)
      ? await verificationTimeline(services.store, params.id)
      : undefined
    return (
      timeline ?? reply.code(404).send({ error: 'There is no such verification, or it is past retention.' })
    )
  })

  app.post('/admin/v1/verifications/search', async ({ body }, reply) => {
    const { address, sinceMs = 86_400_000 } = (body ?? {}) as { address?: unknown; sinceMs?: unknown }
    if (typeof address !== 'string' || !Number.isInteger(sinceMs) || Number(sinceMs) <= 0)
      return reply.code(400).send({
        error: 'Send {"address": "+86…", "sinceMs": 86400000}; sinceMs is how far to look back.',
      })
    const lookBackMs = Math.min(Number(sinceMs), maxLookBackMs)
    const found = await findVerifications(services, address, lookBackMs)
    return found ?? reply.code(400).send({ error: 'address is no mobile number or e-mail address.' })
  })
}
