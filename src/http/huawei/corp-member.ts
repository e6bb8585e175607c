/** Members, for administrators: add, search, show, change, delete, start and stop (reference 0067 to 0072). */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { actOnMembers, findMember } from '../../flows/administration.ts'
import { departmentsNamed } from '../../flows/departments.ts'
import { addMember, type MemberOutcome, updateMember } from '../../flows/manage-members.ts'
import type { Services } from '../../flows/services.ts'
import {
  administratorOf,
  memberRefusals,
  noRight,
  noSuchMember,
  sendBatch,
  sendNoPage,
  sendPage,
} from './administration.ts'
import { sendJson, sendRefusal } from './answer.ts'
import { authorize } from './authenticate.ts'
import { contactIn } from './contact.ts'
import {
  type AccountTypeQuery,
  accountsBody,
  accountTypeQuery,
  type ChangedMemberBody,
  changedMemberBody,
  type InvitationBody,
  invitationBody,
  type MembersQuery,
  membersQuery,
  type NewMemberBody,
  namedBy,
  newMemberBody,
  searchIn,
  wantsMembers,
} from './corp-parameters.ts'
import type { Refusal } from './errors.ts'
import { foundMember, memberObject } from './member-object.ts'
import { invalid } from './parameters.ts'

const path = '/v1/usg/dcs/corp/member'
type Named = { Params: { account: string }; Querystring: AccountTypeQuery }

export function corpMemberRoutes(app: FastifyInstance, services: Services): void {
  const read = { onRequest: authorize(services, 'read-members', 'read-members') }
  const manage = { onRequest: authorize(services, 'manage-members', 'manage-members') }

  app.post<{ Body: NewMemberBody }>(
    path,
    { ...manage, schema: { body: newMemberBody } },
    async (request, reply) => {
      const { body } = request
      const contacts = contactsIn(body, services)
      if ('refusal' in contacts) return sendRefusal(request, reply, contacts.refusal)
      const { phone = null, email = null, phoneCountry } = contacts
      if (!phone && !email) return sendRefusal(request, reply, noContact)
      const outcome = await addMember(services, administratorOf(request), {
        account: body.account || undefined,
        password: body.pwd || undefined,
        isTold: body.sendNotify !== '0',
        thirdAccount: body.thirdAccount || null,
        profile: {
          name: body.name,
          englishName: body.englishName ?? '',
          signature: body.signature ?? '',
          title: body.title ?? '',
          description: body.desc ?? '',
        },
        phone,
        phoneCountry,
        email,
        ...settingsIn(body),
      })
      return sendMember(request, reply, outcome)
    },
  )

  app.get<{ Querystring: MembersQuery }>(
    path,
    { ...read, schema: { querystring: membersQuery } },
    async (request, reply) => {
      const { query } = request
      const page = searchIn(query)
      if (!wantsMembers(query)) return sendNoPage(reply, page)
      const wanted = {
        ...page,
        sortField: sortFields[query.sortField ?? ''] ?? 'sortLevel',
        isAscending: query.isAsc !== 'false',
        dept: query.deptCode || null,
        withSubDepts: query.enableSubDept !== 'false',
        roles: query.adminType ? [(['default', 'admin', 'none'] as const)[Number(query.adminType)]!] : null,
        isDisabled: query.status ? query.status === '1' : null,
        seesHidden: true,
      } as const
      return sendPage(services, request, reply, wanted, foundMember)
    },
  )

  app.get<Named>(
    `${path}/:account`,
    { ...read, schema: { querystring: accountTypeQuery } },
    async (request, reply) => {
      const { params, query, session } = request
      const member = await findMember(services, session.tenant.id, params.account, namedBy(query))
      return sendMember(request, reply, member ? { kind: 'done', member } : { kind: 'unknown' })
    },
  )

  app.put<Named & { Body: ChangedMemberBody }>(
    `${path}/:account`,
    { ...manage, schema: { body: changedMemberBody, querystring: accountTypeQuery } },
    async (request, reply) => {
      const { body, params, query } = request
      const contacts = contactsIn(body, services)
      if ('refusal' in contacts) return sendRefusal(request, reply, contacts.refusal)
      const { name, englishName, signature, title, desc } = body
      const outcome = await updateMember(services, administratorOf(request), params.account, namedBy(query), {
        profile: {
          ...(name != null && { name }),
          ...(englishName != null && { englishName }),
          ...(signature != null && { signature }),
          ...(title != null && { title }),
          ...(desc != null && { description: desc }),
        },
        ...contacts,
        ...settingsIn(body),
      })
      return sendMember(request, reply, outcome)
    },
  )

  app.post<{ Body: string[]; Querystring: AccountTypeQuery }>(
    `${path}/delete`,
    { ...manage, schema: { body: accountsBody, querystring: accountTypeQuery } },
    async (request, reply) => {
      const by = administratorOf(request)
      const outcome = await actOnMembers(
        services,
        by,
        request.body,
        namedBy(request.query),
        'member.delete',
        (batch) => services.store.directory.deleteMembers(batch),
      )
      return sendBatch(request, reply, outcome, request.body)
    },
  )

  app.put<{ Body: string[]; Params: { value: string }; Querystring: AccountTypeQuery }>(
    `${path}/status/:value`,
    { ...manage, schema: { body: accountsBody, querystring: accountTypeQuery } },
    async (request, reply) => {
      const { value } = request.params
      if (value !== '0' && value !== '1') return sendRefusal(request, reply, wrongStatus)
      const isDisabled = value === '1'
      const outcome = await actOnMembers(
        services,
        administratorOf(request),
        request.body,
        namedBy(request.query),
        isDisabled ? 'member.stop' : 'member.start',
        (batch) => services.store.directory.setStatuses({ ...batch, isDisabled }),
      )
      return sendBatch(request, reply, outcome, request.body)
    },
  )

  app.post<{ Body: InvitationBody }>(
    `${path}/add`,
    { ...manage, schema: { body: invitationBody } },
    async (request, reply) => {
      const { body, session } = request
      const contact = contactIn(body, services.addressRules)
      if ('refusal' in contact) return sendRefusal(request, reply, contact.refusal)
      const { address, country } = contact
      if (await services.store.directory.memberByAddress(session.tenant.id, address))
        return sendJson(reply, { userExist: true })
      const outcome = await addMember(services, administratorOf(request), {
        account: undefined,
        password: undefined,
        isTold: true,
        profile: {
          name: body.name,
          englishName: '',
          signature: '',
          title: body.title ?? '',
          description: body.desc ?? '',
        },
        phone: address.kind === 'phone' ? address : null,
        phoneCountry: country,
        email: address.kind === 'email' ? address : null,
        ...settingsIn(body),
      })
      return outcome.kind === 'done'
        ? sendJson(reply, { userExist: false })
        : sendRefusal(request, reply, refusalOf(outcome))
    },
  )

  async function sendMember(
    request: FastifyRequest,
    reply: FastifyReply,
    outcome: MemberOutcome,
  ): Promise<FastifyReply> {
    if (outcome.kind !== 'done') return sendRefusal(request, reply, refusalOf(outcome))
    const { member } = outcome
    const { tenant } = request.session
    const departments = await departmentsNamed(services, tenant, [member.deptCode])
    return sendJson(reply, memberObject(member, tenant, departments.get(member.deptCode)))
  }
}

/** The reference's fields of sorting that are kept in order here; by any other it is the level. */
const sortFields: Readonly<Record<string, 'name' | 'account' | undefined>> = {
  name: 'name',
  account: 'account',
  userAccount: 'account',
  ldapAccount: 'account',
}

const noContact = invalid('phone', {
  'zh-CN': '手机号和邮箱至少填写一个',
  'en-US': 'a phone or an e-mail address is mandatory',
})

const wrongStatus = invalid('value', {
  'zh-CN': '应为 0（启用）或 1（停用）',
  'en-US': 'it must be 0 (start) or 1 (stop)',
})

function refusalOf(outcome: Exclude<MemberOutcome, { kind: 'done' }>): Refusal {
  switch (outcome.kind) {
    case 'unknown':
      return noSuchMember
    case 'not-permitted':
      return noRight
    case 'stale':
    case 'busy':
      return { code: 'USG.000000001', retryAfterMs: 1000 }
    case 'weak-password':
      return { code: 'USG.201040016' }
    case 'without-contact':
      return noContact
    case 'refused':
      return memberRefusals[outcome.reason]
  }
}

type Contacts = Pick<ChangedMemberBody, 'phone' | 'email' | 'country'>

/** The contacts of a body: undefined if it has none, null if it empties one. */
function contactsIn({ phone, email, country }: Contacts, { addressRules }: Services) {
  const number = phone ? contactIn({ contact: phone, country: country ?? null }, addressRules) : null
  if (number && 'refusal' in number) return number
  if (number && number.address.kind !== 'phone') return { refusal: notA('phone') }
  const mailbox = email ? contactIn({ contact: email }, addressRules) : null
  if (mailbox && 'refusal' in mailbox) return mailbox
  if (mailbox && mailbox.address.kind !== 'email') return { refusal: notA('email') }
  return {
    ...(phone != null && { phone: number?.address ?? null }),
    phoneCountry: number?.country ?? null,
    ...(email != null && { email: mailbox?.address ?? null }),
  }
}

function notA(field: 'phone' | 'email'): Refusal {
  return invalid(
    field,
    field === 'phone'
      ? { 'zh-CN': '应为手机号', 'en-US': 'it must be a mobile number' }
      : { 'zh-CN': '应为邮箱地址', 'en-US': 'it must be an e-mail address' },
  )
}

function settingsIn(body: Pick<ChangedMemberBody, 'deptCode' | 'status' | 'sortLevel' | 'hidePhone'>) {
  const { deptCode, status, sortLevel, hidePhone } = body
  return {
    ...(deptCode && { deptCode }),
    ...(status != null && { isDisabled: status === 1 }),
    ...(sortLevel != null && { sortLevel }),
    ...(hidePhone != null && { hidesPhone: hidePhone }),
  }
}
