/** A member as the answers show it, for itself, for administrators and for its colleagues. */

import { countryKeyOf } from '../../address/countries.ts'
import type { ShownDepartment } from '../../flows/departments.ts'
import type { Session } from '../../flows/sessions.ts'
import type { administratorFields, directoryFields, foundMemberFields } from './corp-answer-fields.ts'
import type { AnswerOf, corpFields, memberFields } from './member-fields.ts'

type Member = Session['member']
type Tenant = Session['tenant']

export const adminType: Readonly<Record<Member['role'], number>> = { default: 0, admin: 1, none: 2 }

/** The name of a member in App ID logins: without an own one it is the account. */
export function thirdAccount(member: Member): string {
  return member.thirdAccount ?? member.account
}

function contactsOf({ phone, phoneCountry, email }: Member) {
  return {
    phone: phone?.kind === 'phone' ? phone.e164 : null,
    country: phone?.kind === 'phone' ? (phoneCountry ?? countryKeyOf(phone) ?? null) : null,
    email: email?.kind === 'email' ? email.mailbox : null,
  }
}

function inDepartment({ deptCode }: Member, department: ShownDepartment | undefined) {
  return {
    deptCode,
    deptName: department?.department.name ?? null,
    deptNamePath: department?.names.join('/') ?? null,
  }
}

function dataOf(member: Member) {
  const { profile } = member
  return {
    id: member.id,
    userAccount: member.account,
    name: profile.name,
    englishName: profile.englishName,
    ...contactsOf(member),
    userType: 2,
    adminType: adminType[member.role],
    signature: profile.signature,
    title: profile.title,
    desc: profile.description,
    status: member.isDisabled ? 1 : 0,
    sortLevel: member.sortLevel,
    hidePhone: member.hidesPhone,
    visionAccount: null,
    thirdAccount: thirdAccount(member),
    license: null,
    activeTime: null,
  }
}

/** Every documented field. A field that this server does not keep is null or has its documented default. */
export function memberObject(
  member: Member,
  tenant: Tenant,
  department?: ShownDepartment,
): AnswerOf<typeof memberFields> {
  return {
    ...dataOf(member),
    ...inDepartment(member, department),
    sipNum: null,
    vmrList: [],
    corp: corpObject(tenant, undefined),
    function: { enableRoom: false },
    devType: null,
  }
}

export function corpObject(tenant: Tenant, administrator: Member | undefined): AnswerOf<typeof corpFields> {
  return {
    id: tenant.id,
    name: tenant.name,
    address: tenant.address || null,
    adminName: administrator?.profile.name ?? null,
    account: administrator?.account ?? null,
    ...(administrator ? contactsOf(administrator) : { phone: null, country: null, email: null }),
    enableSMS: null,
    enableCloudDisk: null,
    enablePstn: null,
    autoUserCreate: tenant.autoUserCreate,
    corpType: null,
  }
}

export function foundMember(
  member: Member,
  department: ShownDepartment | undefined,
): AnswerOf<typeof foundMemberFields> {
  return {
    ...dataOf(member),
    ...inDepartment(member, department),
    vmrId: null,
    activeCodeExpireTime: null,
    expireTime: null,
    activeCode: null,
  }
}

export function administratorObject(
  member: Member,
  department: ShownDepartment | undefined,
): AnswerOf<typeof administratorFields> {
  return {
    id: member.id,
    account: member.account,
    name: member.profile.name,
    adminType: adminType[member.role],
    ...contactsOf(member),
    dept: {
      ...inDepartment(member, department),
      corpId: member.tenant,
      parentDeptCode: department?.department.parent ?? null,
    },
  }
}

/** 0: found · 2: there is none. */
const statusCodes = { found: 0, none: 2 } as const

/** As colleagues see it. @param viewer  The id of who looks: a hidden phone is shown to its own member only. */
export function colleague(
  member: Member,
  department: ShownDepartment | undefined,
  viewer: string,
): AnswerOf<typeof directoryFields> {
  const { phone, email } = contactsOf(member)
  return {
    ...nobody(member.id),
    statusCode: statusCodes.found,
    account: member.account,
    name: member.profile.name,
    englishName: member.profile.englishName,
    email,
    phone: member.hidesPhone && member.id !== viewer ? null : phone,
    deptName: department?.department.name ?? null,
    isHardTerminal: false,
    signature: member.profile.signature,
    title: member.profile.title,
    description: member.profile.description,
    hidePhone: member.hidesPhone,
    type: 'NORMAL_USER',
    deptCodes: [member.deptCode],
  }
}

export function nobody(id: string): AnswerOf<typeof directoryFields> {
  return {
    id,
    statusCode: statusCodes.none,
    account: null,
    name: null,
    englishName: null,
    email: null,
    phone: null,
    deptName: null,
    number: null,
    updateTime: null,
    isHardTerminal: null,
    vmrId: null,
    signature: null,
    title: null,
    description: null,
    hidePhone: null,
    type: null,
    deptCodes: [],
  }
}
