/** Departments: administrators change them, everyone of the enterprise sees them. */

import { randomBytes } from 'node:crypto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { auditOf } from '../../flows/administration.ts'
import {
  codesOfPath,
  type DepartmentResult,
  departmentsNamed,
  rootDepartment,
  type ShownDepartment,
} from '../../flows/departments.ts'
import type { Services } from '../../flows/services.ts'
import { administratorOf, noSuchDepartment } from './administration.ts'
import { sendEmpty, sendJson, sendRefusal } from './answer.ts'
import { authorize } from './authenticate.ts'
import type { foundDepartmentFields } from './corp-answer-fields.ts'
import {
  type ChangedDepartmentBody,
  changedDepartmentBody,
  type DepartmentsQuery,
  departmentsQuery,
  type NewDepartmentBody,
  newDepartmentBody,
} from './corp-parameters.ts'
import type { Refusal } from './errors.ts'
import type { AnswerOf } from './member-fields.ts'
import { invalid } from './parameters.ts'

const path = '/v1/usg/dcs/corp/dept'
type Named = { Params: { dept_code: string } }

export function departmentRoutes(app: FastifyInstance, services: Services): void {
  const { directory } = services.store
  const manage = { onRequest: authorize(services, 'manage-corp', 'manage-departments') }
  const read = { onRequest: authorize(services, 'read-members', 'read-departments') }

  app.post<{ Body: NewDepartmentBody }>(
    path,
    { ...manage, schema: { body: newDepartmentBody } },
    async (request, reply) => {
      const { body } = request
      const code = body.deptCode || randomBytes(8).toString('hex')
      const result = await directory.addDepartment(
        {
          tenant: request.session.tenant.id,
          code,
          name: body.deptName,
          parent: body.parentDeptCode || rootDepartment,
          note: body.note ?? '',
          inPermission: body.inPermission || 'UNLIMITED',
          outPermission: body.outPermission || 'UNLIMITED',
          designatedOutDeptCodes: body.designatedOutDeptCodes ?? [],
          sortLevel: body.sortLevel ?? 10_000,
        },
        auditOf(services, administratorOf(request), 'department.add', code),
      )
      return result.kind === 'done'
        ? sendJson(reply, { value: code })
        : sendRefusal(request, reply, refusals[result.reason])
    },
  )

  app.put<Named & { Body: ChangedDepartmentBody }>(
    `${path}/:dept_code`,
    { ...manage, schema: { body: changedDepartmentBody } },
    async (request, reply) => {
      const { deptName, parentDeptCode, ...rest } = request.body
      const { note, inPermission, outPermission, designatedOutDeptCodes, sortLevel } = rest
      const { dept_code: code } = request.params
      const result = await directory.updateDepartment(
        request.session.tenant.id,
        code,
        {
          ...(deptName != null && { name: deptName }),
          ...(parentDeptCode && { parent: parentDeptCode }),
          ...(note != null && { note }),
          ...(inPermission && { inPermission }),
          ...(outPermission && { outPermission }),
          ...(designatedOutDeptCodes && { designatedOutDeptCodes }),
          ...(sortLevel != null && { sortLevel }),
        },
        auditOf(services, administratorOf(request), 'department.update', code),
      )
      return sendDone(request, reply, result)
    },
  )

  app.delete<Named>(`${path}/:dept_code`, manage, async (request, reply) => {
    const { dept_code: code } = request.params
    const audit = auditOf(services, administratorOf(request), 'department.delete', code)
    return sendDone(request, reply, await directory.deleteDepartment(request.session.tenant.id, code, audit))
  })

  app.get<{ Querystring: DepartmentsQuery }>(
    '/v1/usg/dcs/member/dept',
    { ...read, schema: { querystring: departmentsQuery } },
    async (request, reply) => {
      const { tenant } = request.session
      const wanted = (request.query.deptName ?? '').toLowerCase()
      const codes = (await directory.allDepartments(tenant.id)).map(({ code }) => code)
      const all = await departmentsNamed(services, tenant, [rootDepartment, ...codes])
      const found = [...all.values()].filter(({ department }) =>
        department.name.toLowerCase().includes(wanted),
      )
      const marks = namesIn(all)
      return sendJson(
        reply,
        found.map((one) => departmentObject(one, marks)),
      )
    },
  )

  app.get<Named>('/v1/usg/dcs/member/dept/:dept_code', read, async (request, reply) => {
    const found = await withChildren(request)
    if (!found) return sendRefusal(request, reply, noSuchDepartment)
    const designated = [found.own, ...found.children].flatMap(
      ({ department }) => department.designatedOutDeptCodes,
    )
    const marks = namesIn(await departmentsNamed(services, request.session.tenant, designated))
    return sendJson(reply, {
      ...departmentObject(found.own, marks),
      childDepts: found.children.map((child) => departmentObject(child, marks)),
    })
  })

  app.get<Named>('/v1/usg/abs/departments/:dept_code', read, async (request, reply) => {
    const found = await withChildren(request)
    if (!found) return sendRefusal(request, reply, noSuchDepartment)
    return sendJson(reply, { ...publicObject(found.own), childDepts: found.children.map(publicObject) })
  })

  async function withChildren({ params, session: { tenant } }: FastifyRequest<Named>) {
    const { dept_code: code } = params
    const below = (await directory.departmentsBelow(tenant.id, [code])).map((child) => child.code)
    const found = await departmentsNamed(services, tenant, [code, ...below])
    const own = found.get(code)
    return own && { own, children: below.flatMap((child) => found.get(child) ?? []) }
  }
}

const codeRefusal = (zh: string, en: string) => invalid('deptCode', { 'zh-CN': zh, 'en-US': en })

const refusals: Readonly<Record<Extract<DepartmentResult, { kind: 'refused' }>['reason'], Refusal>> = {
  unknown: noSuchDepartment,
  taken: codeRefusal('已被使用', 'another department has it'),
  'no-parent': invalid('parentDeptCode', {
    'zh-CN': '部门不存在',
    'en-US': 'there is no such department',
  }),
  'within-itself': invalid('parentDeptCode', {
    'zh-CN': '不能是该部门自身或其下级',
    'en-US': 'it must not be the department itself or below it',
  }),
  deep: invalid('parentDeptCode', { 'zh-CN': '层级过多', 'en-US': 'there are too many levels above' }),
  root: codeRefusal('根部门不能删除或移动', 'the root can be neither deleted nor moved'),
  'has-members': codeRefusal('部门下还有成员', 'the department has members'),
  'has-children': codeRefusal('部门下还有子部门', 'there are departments below it'),
}

function sendDone(request: FastifyRequest, reply: FastifyReply, result: DepartmentResult): FastifyReply {
  return result.kind === 'done' ? sendEmpty(reply) : sendRefusal(request, reply, refusals[result.reason])
}

function namesIn(departments: ReadonlyMap<string, ShownDepartment>): ReadonlyMap<string, string> {
  return new Map([...departments.values()].map(({ department }) => [department.code, department.name]))
}

function departmentObject(
  { department, names, isLeaf }: ShownDepartment,
  marks: ReadonlyMap<string, string>,
): AnswerOf<typeof foundDepartmentFields> {
  const codes = codesOfPath(department.path)
  return {
    corpId: department.tenant,
    deptCode: department.code,
    deptLevel: codes.length - 1,
    deptName: department.name,
    deptNamePath: names.join('/'),
    isLeafNode: isLeaf,
    parentDeptCode: department.parent,
    deptCodePath: codes.join('/'),
    note: department.note,
    inPermission: department.inPermission,
    outPermission: department.outPermission,
    designatedOutDeptCodes: department.designatedOutDeptCodes.map((id) => ({
      id,
      mark: marks.get(id) ?? null,
    })),
    sortLevel: department.sortLevel,
  }
}

function publicObject({ department, isLeaf }: ShownDepartment) {
  return { deptCode: department.code, deptName: department.name, isLeafNodes: isLeaf }
}
