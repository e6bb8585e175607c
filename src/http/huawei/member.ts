/** The caller's own data: show (0073) and update (0074). */

import type { FastifyInstance } from 'fastify'
import type { Services } from '../../flows/services.ts'
import { updateProfile } from '../../flows/update-profile.ts'
import { sendEmpty, sendJson, sendRefusal } from './answer.ts'
import { authenticate } from './authenticate.ts'
import { memberObject } from './member-object.ts'
import { type MemberBody, memberBody } from './parameters.ts'

const path = '/v1/usg/dcs/member'

export function memberRoutes(app: FastifyInstance, services: Services): void {
  app.get(path, { onRequest: authenticate(services, 'show-member') }, (request, reply) =>
    sendJson(reply, memberObject(request.session.member, request.session.tenant)),
  )

  app.put<{ Body: MemberBody }>(
    path,
    { schema: { body: memberBody }, onRequest: authenticate(services, 'update-member') },
    async (request, reply) => {
      const { name, englishName, signature, title, desc } = request.body
      const previous = request.session.member.profile
      const isDone = await updateProfile(services, request.session, {
        name,
        englishName: englishName ?? previous.englishName,
        signature: signature ?? previous.signature,
        title: title ?? previous.title,
        description: desc ?? previous.description,
      })
      return isDone ? sendEmpty(reply) : sendRefusal(request, reply, { code: 'USG.201040000' })
    },
  )
}
