/** Administrators: the default administrator gives and takes the role; every administrator sees who has it. */

import type { FastifyInstance } from 'fastify'
import { actOnMembers, findMember } from '../../flows/administration.ts'
import { departmentsNamed } from '../../flows/departments.ts'
import type { Services } from '../../flows/services.ts'
import { administratorOf, noSuchMember, sendBatch, sendPage } from './administration.ts'
import { sendJson, sendRefusal } from './answer.ts'
import { authorize } from './authenticate.ts'
import {
  type AccountTypeQuery,
  type AdministratorsQuery,
  accountsBody,
  accountTypeQuery,
  administratorBody,
  administratorsQuery,
  namedBy,
  searchIn,
} from './corp-parameters.ts'
import { administratorObject } from './member-object.ts'

const path = '/v1/usg/dcs/corp/admin'

export function corpAdminRoutes(app: FastifyInstance, services: Services): void {
  const { directory } = services.store
  const read = { onRequest: authorize(services, 'read-members', 'read-administrators') }
  const manage = { onRequest: authorize(services, 'manage-administrators', 'manage-administrators') }

  app.post<{ Body: { account: string }; Querystring: AccountTypeQuery }>(
    path,
    { ...manage, schema: { body: administratorBody, querystring: accountTypeQuery } },
    async (request, reply) => {
      const names = [request.body.account]
      const by = administratorOf(request)
      const outcome = await actOnMembers(
        services,
        by,
        names,
        namedBy(request.query),
        'administrator.add',
        (batch) => directory.setRoles({ ...batch, role: 'admin' }),
      )
      return sendBatch(request, reply, outcome, names)
    },
  )

  app.post<{ Body: string[]; Querystring: AccountTypeQuery }>(
    `${path}/delete`,
    { ...manage, schema: { body: accountsBody, querystring: accountTypeQuery } },
    async (request, reply) => {
      const { body, query } = request
      const by = administratorOf(request)
      const outcome = await actOnMembers(
        services,
        by,
        body,
        namedBy(query),
        'administrator.remove',
        (batch) => directory.setRoles({ ...batch, role: 'none' }),
      )
      return sendBatch(request, reply, outcome, body)
    },
  )

  app.get<{ Querystring: AdministratorsQuery }>(
    path,
    { ...read, schema: { querystring: administratorsQuery } },
    async (request, reply) => {
      const page = searchIn(request.query)
      const wanted = {
        ...page,
        sortField: 'sortLevel',
        isAscending: true,
        dept: null,
        withSubDepts: true,
        roles: ['default', 'admin'],
        isDisabled: null,
        seesHidden: true,
      } as const
      return sendPage(services, request, reply, wanted, administratorObject)
    },
  )

  app.get<{ Params: { account: string }; Querystring: AccountTypeQuery }>(
    `${path}/:account`,
    { ...read, schema: { querystring: accountTypeQuery } },
    async (request, reply) => {
      const { tenant } = request.session
      const member = await findMember(services, tenant.id, request.params.account, namedBy(request.query))
      if (!member || member.role === 'none') return sendRefusal(request, reply, noSuchMember)
      const departments = await departmentsNamed(services, tenant, [member.deptCode])
      return sendJson(reply, administratorObject(member, departments.get(member.deptCode)))
    },
  )
}
