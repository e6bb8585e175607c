/** Members as their colleagues see them: search the directory, and look several up (reference 0512, 0513). */

import type { FastifyInstance } from 'fastify'
import { departmentsNamed } from '../../flows/departments.ts'
import type { Services } from '../../flows/services.ts'
import { sendNoPage, sendPage } from './administration.ts'
import { sendJson } from './answer.ts'
import { authorize } from './authenticate.ts'
import {
  type DirectoryQuery,
  directoryQuery,
  type IdTypeQuery,
  idsBody,
  idTypeQuery,
  searchIn,
} from './corp-parameters.ts'
import { colleague, nobody, thirdAccount } from './member-object.ts'

export function directoryRoutes(app: FastifyInstance, services: Services): void {
  const onRequest = authorize(services, 'read-members', 'read-directory')
  const { directory } = services.store

  app.post<{ Body: { id: string }[]; Querystring: IdTypeQuery }>(
    '/v1/usg/abs/users/list',
    { onRequest, schema: { body: idsBody, querystring: idTypeQuery } },
    async (request, reply) => {
      const { tenant, member: viewer } = request.session
      const isThird = request.query.idType === 'THIRD_ACCOUNT'
      const ids = request.body.map(({ id }) => id)
      const members = isThird
        ? [
            ...(await directory.membersNamed(tenant.id, 'account', ids)).filter(
              ({ thirdAccount: third }) => third === null,
            ),
            ...(await directory.membersNamed(tenant.id, 'thirdAccount', ids)),
          ]
        : await directory.membersNamed(tenant.id, 'id', ids)
      const found = new Map(members.map((member) => [isThird ? thirdAccount(member) : member.id, member]))
      const codes = members.map(({ deptCode }) => deptCode)
      const departments = await departmentsNamed(services, tenant, codes)
      return sendJson(
        reply,
        ids.map((id) => {
          const member = found.get(id)
          return member ? colleague(member, departments.get(member.deptCode), viewer.id) : nobody(id)
        }),
      )
    },
  )

  app.get<{ Querystring: DirectoryQuery }>(
    '/v1/usg/abs/users',
    { onRequest, schema: { querystring: directoryQuery } },
    async (request, reply) => {
      const { query, session } = request
      const { member: viewer } = session
      const page = searchIn(query)
      // There are no terminals here.
      if (query.searchScope === 'HARD_TERMINAL') return sendNoPage(reply, page)
      const wanted = {
        ...page,
        sortField: 'sortLevel',
        isAscending: true,
        dept: query.deptCode || null,
        withSubDepts: query.querySubDept !== 'false',
        roles: null,
        isDisabled: null,
        seesHidden: false,
      } as const
      return sendPage(services, request, reply, wanted, (member, department) =>
        colleague(member, department, viewer.id),
      )
    },
  )
}
