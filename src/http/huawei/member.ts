/** The caller's own data: show (0073) and update (0074). */

import type { FastifyInstance } from 'fastify'
import { countryKeyOf } from '../../address/countries.ts'
import type { Services } from '../../flows/services.ts'
import type { Session } from '../../flows/sessions.ts'
import { updateProfile } from '../../flows/update-profile.ts'
import { sendEmpty, sendJson, sendRefusal } from './answer.ts'
import type { AnswerOf, memberFields } from './answer-fields.ts'
import { authenticate } from './authenticate.ts'
import { type MemberBody, memberBody } from './parameters.ts'

const path = '/v1/usg/dcs/member'

export const adminType: Readonly<Record<Session['member']['role'], number>> = {
  default: 0,
  admin: 1,
  none: 2,
}

/** The name of a member in App ID logins; here it is the account of any member. */
export function thirdAccount(member: Session['member']): string {
  return member.account
}

export function memberRoutes(app: FastifyInstance, services: Services): void {
  app.get(path, { onRequest: authenticate(services, 'show-member') }, (request, reply) =>
    sendJson(reply, memberObject(request.session)),
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

/** Every documented field. A field that this server does not keep is null or has its documented default. */
function memberObject({ member, tenant }: Session): AnswerOf<typeof memberFields> {
  const { phone, email, profile } = member
  return {
    id: member.id,
    userAccount: member.account,
    name: profile.name,
    englishName: profile.englishName,
    phone: phone?.kind === 'phone' ? phone.e164 : null,
    country: phone?.kind === 'phone' ? (member.phoneCountry ?? countryKeyOf(phone) ?? null) : null,
    email: email?.kind === 'email' ? email.mailbox : null,
    sipNum: null,
    vmrList: [],
    deptCode: member.deptCode,
    deptName: null,
    deptNamePath: null,
    userType: 2,
    adminType: adminType[member.role],
    signature: profile.signature,
    title: profile.title,
    desc: profile.description,
    corp: {
      id: tenant.id,
      name: tenant.name,
      address: null,
      adminName: null,
      account: null,
      phone: null,
      country: null,
      email: null,
      enableSMS: null,
      enableCloudDisk: null,
      enablePstn: null,
      autoUserCreate: true,
      corpType: null,
    },
    function: { enableRoom: false },
    devType: null,
    status: member.isDisabled ? 1 : 0,
    sortLevel: 10_000,
    hidePhone: false,
    visionAccount: null,
    thirdAccount: thirdAccount(member),
    license: null,
    activeTime: null,
  }
}
