/** The parameters of the calls of administrators as schemas: bodies, and queries, whose values are texts. */

import { departmentCode } from '../../flows/departments.ts'
import { type Static, Type } from '../../json-schema.ts'
import { memberBody, optional, text } from './parameters.ts'

const upTo = (maxLength: number) => optional(Type.String({ maxLength }))
const flag = optional(Type.Boolean())
const level = optional(Type.Integer({ minimum: 1, maximum: 10_000 }))
const department = optional(Type.Union([Type.Literal(''), Type.String({ pattern: departmentCode })]))

const memberData = {
  ...memberBody.properties,
  phone: upTo(255),
  country: upTo(255),
  email: upTo(255),
  deptCode: department,
  status: optional(Type.Integer({ minimum: 0, maximum: 1 })),
  sortLevel: level,
  hidePhone: flag,
}

/** The form of an account: not digits alone, and no `.` right after an `@`. */
export const accountForm = '^(?!\\d+$)(?!.*@\\.)[A-Za-z0-9_.@-]{1,64}$'

export const newMemberBody = Type.Object({
  ...memberData,
  account: optional(Type.Union([Type.Literal(''), Type.String({ pattern: accountForm })])),
  thirdAccount: upTo(64),
  pwd: upTo(32),
  sendNotify: upTo(32),
})
export const changedMemberBody = Type.Object({ ...memberData, name: optional(text(1, 64)) })

export const invitationBody = Type.Object({
  name: text(1, 64),
  contact: text(1, 255),
  country: upTo(255),
  deptCode: department,
  title: upTo(32),
  sortLevel: level,
  desc: upTo(128),
})

export const accountsBody = Type.Array(text(1, 255), { minItems: 1, maxItems: 100 })
export const idsBody = Type.Array(Type.Object({ id: text(1, 255) }), { minItems: 1, maxItems: 200 })
/** A new contact for a member who lost the old one, and whose recovery it is. */
export const recoveryBody = Type.Object({ account: text(1, 255), contact: text(1, 255), country: upTo(255) })
export const administratorBody = Type.Object({ account: text(1, 255) })
export const corpBody = Type.Object({ address: upTo(255), autoUserCreate: flag })

const departmentData = {
  deptName: text(1, 128),
  parentDeptCode: department,
  note: upTo(96),
  inPermission: upTo(64),
  outPermission: upTo(64),
  designatedOutDeptCodes: optional(Type.Array(Type.String({ pattern: departmentCode }), { maxItems: 150 })),
  sortLevel: level,
}
export const newDepartmentBody = Type.Object({ ...departmentData, deptCode: department })
export const changedDepartmentBody = Type.Object({ ...departmentData, deptName: optional(text(1, 128)) })

const inQuery = (pattern: string) => Type.Optional(Type.String({ pattern }))
const userType = Type.String({ pattern: '^\\d{0,2}$' })
const truth = inQuery('^(true|false)?$')
const search = { searchKey: Type.Optional(Type.String({ maxLength: 128 })) }
const page = { offset: inQuery('^\\d{0,9}$'), limit: inQuery('^([1-9]|[1-9]\\d|[1-4]\\d\\d|500)?$') }
const dept = { deptCode: Type.Optional(Type.String({ maxLength: 32 })) }

export const accountTypeQuery = Type.Object({ accountType: inQuery('^[01]?$') })
export const membersQuery = Type.Object({
  ...page,
  ...search,
  ...dept,
  sortField: Type.Optional(Type.String({ maxLength: 64 })),
  isAsc: truth,
  enableSubDept: truth,
  adminType: inQuery('^[012]?$'),
  enableRoom: truth,
  /** Several are repeated, as all SDKs do. */
  userType: Type.Optional(Type.Union([userType, Type.Array(userType)])),
  status: inQuery('^[01]?$'),
})
export const directoryQuery = Type.Object({
  ...page,
  ...search,
  ...dept,
  querySubDept: truth,
  searchScope: inQuery('^(ALL|NORMAL_USER|HARD_TERMINAL)?$'),
})
export const pageQuery = Type.Object(page)
export const administratorsQuery = Type.Object({ ...page, ...search })
export const idTypeQuery = Type.Object({ idType: inQuery('^(USER_ID|THIRD_ACCOUNT)?$') })
export const departmentsQuery = Type.Object({ deptName: Type.Optional(Type.String({ maxLength: 128 })) })

export type NewMemberBody = Static<typeof newMemberBody>
export type ChangedMemberBody = Static<typeof changedMemberBody>
export type InvitationBody = Static<typeof invitationBody>
export type NewDepartmentBody = Static<typeof newDepartmentBody>
export type ChangedDepartmentBody = Static<typeof changedDepartmentBody>
export type RecoveryBody = Static<typeof recoveryBody>
export type AdministratorBody = Static<typeof administratorBody>
export type CorpBody = Static<typeof corpBody>
export type AccountTypeQuery = Static<typeof accountTypeQuery>
export type MembersQuery = Static<typeof membersQuery>
export type DirectoryQuery = Static<typeof directoryQuery>
export type PageQuery = Static<typeof pageQuery>
export type AdministratorsQuery = Static<typeof administratorsQuery>
export type IdTypeQuery = Static<typeof idTypeQuery>
export type DepartmentsQuery = Static<typeof departmentsQuery>

/** The page that a query asks for. */
export function pageIn({ offset, limit }: PageQuery) {
  return { offset: Number(offset || 0), limit: Number(limit || 10) }
}

/** The page that a search asks for. */
export function searchIn({ searchKey, ...page }: AdministratorsQuery) {
  return { ...pageIn(page), searchKey: searchKey ?? '' }
}

/** Whether a member can be among those wanted: all are ordinary users (2), and none is a whiteboard or another device. */
export function wantsMembers({ enableRoom, userType }: MembersQuery): boolean {
  const types = [userType ?? []].flat().filter((one) => one !== '')
  return enableRoom !== 'true' && (types.length === 0 || types.some((one) => Number(one) === 2))
}

export function namedBy({ accountType }: AccountTypeQuery): 'account' | 'third' {
  return accountType === '1' ? 'third' : 'account'
}
