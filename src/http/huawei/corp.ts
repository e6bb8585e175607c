/** The enterprise: its administrators see it, and change its address and whether logins make members. */

import type { FastifyInstance } from 'fastify'
import { auditOf } from '../../flows/administration.ts'
import type { Services } from '../../flows/services.ts'
import { administratorOf } from './administration.ts'
import { sendEmpty, sendJson } from './answer.ts'
import { authorize } from './authenticate.ts'
import { type CorpBody, corpBody } from './corp-parameters.ts'
import { corpObject } from './member-object.ts'

const path = '/v1/usg/dcs/corp'

export function corpRoutes(app: FastifyInstance, services: Services): void {
  const { directory } = services.store

  app.get(path, { onRequest: authorize(services, 'read-members', 'read-corp') }, async (request, reply) => {
    const { id } = request.session.tenant
    const [tenant, administrator] = await Promise.all([
      directory.tenant(id),
      directory.defaultAdministrator(id),
    ])
    return sendJson(reply, corpObject(tenant ?? request.session.tenant, administrator))
  })

  app.put<{ Body: CorpBody }>(
    path,
    { onRequest: authorize(services, 'manage-corp', 'manage-corp'), schema: { body: corpBody } },
    async (request, reply) => {
      const { address, autoUserCreate } = request.body
      const { id } = request.session.tenant
      const change = {
        ...(address != null && { address }),
        ...(autoUserCreate != null && { autoUserCreate }),
      }
      const details = autoUserCreate != null ? { autoUserCreate } : {}
      const audit = auditOf(services, administratorOf(request), 'corp.update', id, details)
      await directory.updateTenant(id, change, audit)
      services.sessions.forget(request.session.member.id)
      return sendEmpty(reply)
    },
  )
}
