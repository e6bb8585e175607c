/** The apps of the enterprise, for its default administrator. */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  type AppRefusal,
  type ChangedApp,
  changeApp,
  createApp,
  deleteApp,
  type KeyedApp,
  listApps,
  resetAppKey,
} from '../../flows/manage-apps.ts'
import type { Services } from '../../flows/services.ts'
import { administratorOf } from './administration.ts'
import { sendEmpty, sendJson, sendRefusal } from './answer.ts'
import { authorize } from './authenticate.ts'
import type { appFields, appPageFields, keyedAppFields } from './corp-app-answer-fields.ts'
import { type ChangedAppBody, changedAppBody, type NewAppBody, newAppBody } from './corp-app-parameters.ts'
import { type PageQuery, pageIn, pageQuery } from './corp-parameters.ts'
import type { Refusal } from './errors.ts'
import type { AnswerOf } from './member-fields.ts'
import { invalid } from './parameters.ts'

const path = '/v2/usg/acs/corp/app'

type OfApp = { Params: { app_id: string } }

export function corpAppRoutes(app: FastifyInstance, services: Services): void {
  const onRequest = authorize(services, 'manage-apps', 'manage-apps')

  app.post<{ Body: NewAppBody }>(
    path,
    { schema: { body: newAppBody }, onRequest },
    async (request, reply) => {
      const { app_name, description } = request.body
      const wanted = { name: app_name, description: description ?? '' }
      return sendWithKey(request, reply, await createApp(services, administratorOf(request), wanted))
    },
  )

  app.get<{ Querystring: PageQuery }>(
    `${path}s`,
    { schema: { querystring: pageQuery }, onRequest },
    async (request, reply) => {
      const { offset, limit } = pageIn(request.query)
      const found = await listApps(services, administratorOf(request), { offset, limit })
      const page: AnswerOf<typeof appPageFields> = {
        offset: found.offset,
        limit,
        count: found.count,
        data: found.apps.map(appObject),
      }
      return sendJson(reply, page)
    },
  )

  app.put<OfApp & { Body: ChangedAppBody }>(
    `${path}/:app_id`,
    { schema: { body: changedAppBody }, onRequest },
    async (request, reply) => {
      const { app_name, description, status } = request.body
      const change = {
        ...(typeof app_name === 'string' && { name: app_name }),
        ...(typeof description === 'string' && { description }),
        ...(typeof status === 'number' && { isDisabled: status === 1 }),
      }
      const outcome = await changeApp(services, administratorOf(request), request.params.app_id, change)
      if (outcome.kind !== 'done') return sendRefusal(request, reply, refusals[outcome.kind])
      return sendJson(reply, appObject(outcome.app))
    },
  )

  app.put<OfApp>(`${path}/:app_id/reset`, { onRequest }, async (request, reply) =>
    sendWithKey(request, reply, await resetAppKey(services, administratorOf(request), request.params.app_id)),
  )

  app.delete<OfApp>(`${path}/:app_id`, { onRequest }, async (request, reply) => {
    const outcome = await deleteApp(services, administratorOf(request), request.params.app_id)
    return outcome.kind === 'done' ? sendEmpty(reply) : sendRefusal(request, reply, refusals[outcome.kind])
  })
}

const refusals: Readonly<Record<AppRefusal['kind'], Refusal>> = {
  unknown: invalid('app_id', { 'zh-CN': '应用不存在', 'en-US': 'there is no such app' }),
  full: invalid('app_name', {
    'zh-CN': '应用数量已达上限',
    'en-US': 'the enterprise has as many apps as it may',
  }),
  'account-app': invalid('app_id', {
    'zh-CN': '帐号登录使用此应用，不能停用或删除',
    'en-US': 'account logins count as this app, so it can be neither stopped nor deleted',
  }),
  'own-app': invalid('app_id', {
    'zh-CN': '当前登录使用此应用，不能停用或删除',
    'en-US': 'this login came by that app; stop or delete it by another one',
  }),
  provider: invalid('app_id', {
    'zh-CN': '服务商应用只能由运维人员重置或删除',
    'en-US': 'only the operator may reset or delete the app of a service provider',
  }),
}

function sendWithKey(
  request: FastifyRequest,
  reply: FastifyReply,
  outcome: KeyedApp | AppRefusal,
): FastifyReply {
  if (outcome.kind !== 'done') return sendRefusal(request, reply, refusals[outcome.kind])
  const answer: AnswerOf<typeof keyedAppFields> = { ...appObject(outcome.app), app_key: outcome.key }
  return sendJson(reply, answer)
}

function appObject(app: ChangedApp['app']): AnswerOf<typeof appFields> {
  return {
    app_id: app.id,
    app_name: app.name,
    description: app.description,
    status: app.isDisabled ? 1 : 0,
    create_time: timeText(app.createdAt),
    last_update_time: timeText(app.updatedAt),
  }
}

/** UTC, in the reference's form. */
function timeText(at: number): string {
  return new Date(at).toISOString().slice(0, 19).replace('T', ' ')
}
