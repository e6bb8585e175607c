/** What the calls of administrators have in common: who acts, and the refusals of outcomes. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { BatchOutcome, ByAdministrator } from '../../flows/administration.ts'
import { departmentsNamed, type ShownDepartment } from '../../flows/departments.ts'
import type { MemberRefusal } from '../../flows/manage-members.ts'
import { searchMembers } from '../../flows/search-members.ts'
import type { Services } from '../../flows/services.ts'
import type { Session } from '../../flows/sessions.ts'
import { sendEmpty, sendJson, sendRefusal } from './answer.ts'
import type { Refusal } from './errors.ts'
import { localeOf } from './locale.ts'
import { invalid } from './parameters.ts'

export function administratorOf(request: FastifyRequest): ByAdministrator {
  const locale = localeOf(request.headers['accept-language'])
  return { session: request.session, requestId: request.id, locale }
}

export const noSuchMember: Refusal = { code: 'USG.201040000' }
export const noRight: Refusal = { code: 'USG.000000008' }

export const noSuchDepartment = invalid('deptCode', {
  'zh-CN': '部门不存在',
  'en-US': 'there is no such department',
})

const taken = { 'zh-CN': '已被使用', 'en-US': 'another member has it' }

export const memberRefusals: Readonly<Record<MemberRefusal, Refusal>> = {
  'account-taken': invalid('account', taken),
  'third-account-taken': invalid('thirdAccount', taken),
  'phone-bound': { code: 'USG.206010065' },
  'email-bound': { code: 'USG.206010066' },
  'no-department': noSuchDepartment,
  'default-administrator': invalid('account', {
    'zh-CN': '默认管理员不能停用、删除或变更角色',
    'en-US': 'the default administrator can be neither stopped nor deleted, and keeps the role',
  }),
}

/** Sends a page of members, each as `show` has it with its department. */
export async function sendPage(
  services: Services,
  request: FastifyRequest,
  reply: FastifyReply,
  query: Parameters<typeof searchMembers>[2],
  show: (member: Session['member'], department: ShownDepartment | undefined) => object,
): Promise<FastifyReply> {
  const { session } = request
  const found = await searchMembers(services, session, query)
  if (!found) return sendRefusal(request, reply, { code: 'USG.000000001', retryAfterMs: 1000 })
  const codes = found.members.map(({ deptCode }) => deptCode)
  const departments = await departmentsNamed(services, session.tenant, codes)
  return sendJson(reply, {
    offset: found.offset,
    limit: query.limit,
    count: found.count,
    data: found.members.map((member) => show(member, departments.get(member.deptCode))),
  })
}

/** Of a search that no member can match. */
export function sendNoPage(reply: FastifyReply, { limit }: { readonly limit: number }): FastifyReply {
  return sendJson(reply, { offset: 0, limit, count: 0, data: [] })
}

/** @param names  Those of the request, to say which one it is about. */
export function sendBatch(
  request: FastifyRequest,
  reply: FastifyReply,
  outcome: BatchOutcome,
  names: readonly string[],
): FastifyReply {
  if (outcome.kind === 'done') return sendEmpty(reply)
  if (outcome.kind === 'not-permitted') return sendRefusal(request, reply, noRight)
  if (outcome.reason !== 'unknown') return sendRefusal(request, reply, memberRefusals[outcome.reason])
  // By its place, because an account may be an address.
  const place = names.indexOf(outcome.account) + 1
  const which =
    names.length > 1 && place > 0 ? { 'zh-CN': `（第 ${place} 个）`, 'en-US': ` (number ${place})` } : ''
  return sendRefusal(request, reply, { ...noSuchMember, details: { which } })
}
