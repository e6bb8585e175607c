/** Converts PostgreSQL rows, which arrive as JSON objects by column names, to records. */

import type { Address } from '../../address/address.ts'
import type { Department } from '../../directory/department.ts'
import type {
  AdminRole,
  App,
  FormerMember,
  Member,
  Profile,
  Tenant,
  Token,
  TokenKind,
} from '../../directory/directory.ts'
import type { VerificationDetails } from '../../verification/details.ts'
import { asCallersSee, type StoredVerification } from '../../verification/stored-verification.ts'
import type { Purpose, Verification } from '../../verification/verification.ts'
import { type StateNumber, stateNumber, stateOfNumber } from '../numbering.ts'
import type { Fields } from './statement.ts'

export type TenantRow = {
  id: string
  name: string
  account_app: string
  address: string
  auto_user_create: boolean
}

export type DepartmentRow = {
  tenant: string
  code: string
  name: string
  parent: string | null
  note: string
  in_permission: string
  out_permission: string
  designated_out: readonly string[]
  sort_level: number
  path: string
}

export type FormerMemberRow = Pick<FormerMember, 'id' | 'tenant' | 'account' | 'contacts'> & {
  deleted_at: number
}

export type AppRow = {
  id: string
  tenant: string
  name: string
  sealed_key: string
  is_service_provider: boolean
  is_disabled: boolean
  policy: Record<string, unknown>
  created_at: number
  description: string
  previous_key: string | null
  previous_key_until: number | null
  updated_at: number
  deleted_at: number | null
}

export type MemberRow = {
  id: string
  tenant: string
  account: string
  third_account: string | null
  password_hash: string | null
  role: AdminRole
  is_disabled: boolean
  profile: Profile
  dept_code: string
  phone_key: string | null
  phone: Address | null
  phone_country: string | null
  email_key: string | null
  email: Address | null
  sort_level: number
  hides_phone: boolean
  must_change_password: boolean
  contact_barred_until: number | null
  created_at: number
}

export type TokenRow = {
  hash: string
  kind: TokenKind
  login: string
  tenant: string
  app: string
  member: string
  client_type: number
  created_at: number
  expires_at: number
}

export type VerificationRow = {
  id: string
  tenant: string
  app: string
  member: string
  address: string
  purpose: Purpose
  key_id: string
  digits: number
  state: StateNumber
  issued_at: number
  expires_at: number
  submissions: number
  is_test: boolean
  used_at: number | null
  details?: VerificationDetails | null
}

/** The columns that `readVerification` reads, of a table named v. */
export const verificationColumns = `v.id, v.tenant, v.app, v.member, v.address, v.purpose, v.key_id, v.digits, v.state,
  v.issued_at, v.expires_at, v.submissions, v.is_test, v.used_at, v.details`

export function readVerification(fields: Fields): StoredVerification {
  const [id, tenant, app, subject, address, purpose, keyId, digits, state, issuedAt, expiresAt, submissions] =
    fields as readonly string[]
  return {
    id: id!,
    tenant: tenant!,
    app: app!,
    subject: subject!,
    address: address!,
    purpose: purpose as Purpose,
    keyId: keyId!,
    digits: Number(digits),
    state: stateOfNumber[Number(state)]!,
    issuedAt: Number(issuedAt),
    expiresAt: Number(expiresAt),
    submissions: Number(submissions),
    usedAt: fields[13] === null ? null : Number(fields[13]),
    isTest: fields[12] === 't',
    details: typeof fields[14] === 'string' ? (JSON.parse(fields[14]) as VerificationDetails) : null,
  }
}

export function verificationOf(row: VerificationRow): Verification {
  return asCallersSee(storedOf(row))
}

export function storedOf(row: VerificationRow): StoredVerification {
  const { id, tenant, app, address, purpose, digits, submissions } = row
  return {
    id,
    tenant,
    app,
    subject: row.member,
    address,
    purpose,
    keyId: row.key_id,
    digits,
    state: stateOfNumber[row.state]!,
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    submissions,
    usedAt: row.used_at,
    isTest: row.is_test,
    details: row.details ?? null,
  }
}

export function rowOf(record: StoredVerification): VerificationRow {
  return rowInState(record, stateNumber[record.state])
}

/** The row of a verification whose state is kept as a number, as those of another store are. */
export function rowInState(record: Omit<StoredVerification, 'state'>, state: StateNumber): VerificationRow {
  const { id, tenant, app, subject, address, purpose, digits, submissions } = record
  return {
    id,
    tenant,
    app,
    member: subject,
    address,
    purpose,
    key_id: record.keyId,
    digits,
    state,
    issued_at: record.issuedAt,
    expires_at: record.expiresAt,
    submissions,
    is_test: record.isTest,
    used_at: record.usedAt,
    // Left out where there are none, so that the wire's rows are as short as ever.
    ...(record.details && { details: record.details }),
  }
}

export function tenantOf({ id, name, account_app, address, auto_user_create }: TenantRow): Tenant {
  return { id, name, accountApp: account_app, address, autoUserCreate: auto_user_create }
}

export function departmentOf(row: DepartmentRow): Department {
  const { tenant, code, name, parent, note, path } = row
  return {
    tenant,
    code,
    name,
    parent,
    note,
    inPermission: row.in_permission,
    outPermission: row.out_permission,
    designatedOutDeptCodes: row.designated_out,
    sortLevel: row.sort_level,
    path,
  }
}

export function formerMemberOf({ deleted_at, ...rest }: FormerMemberRow): FormerMember {
  return { ...rest, deletedAt: deleted_at }
}

export function appOf(row: AppRow): App {
  return {
    id: row.id,
    tenant: row.tenant,
    name: row.name,
    sealedKey: row.sealed_key,
    isServiceProvider: row.is_service_provider,
    isDisabled: row.is_disabled,
    policy: row.policy,
    description: row.description,
    previousKey:
      row.previous_key === null ? null : { sealed: row.previous_key, until: row.previous_key_until! },
    createdAt: row.created_at,
    // A process of the version before writes none.
    updatedAt: Math.max(row.updated_at, row.created_at),
  }
}

export function memberOf(row: MemberRow): Member {
  return {
    id: row.id,
    tenant: row.tenant,
    account: row.account,
    thirdAccount: row.third_account,
    passwordHash: row.password_hash,
    role: row.role,
    isDisabled: row.is_disabled,
    profile: row.profile,
    deptCode: row.dept_code,
    phone: row.phone,
    phoneCountry: row.phone_country,
    email: row.email,
    sortLevel: row.sort_level,
    hidesPhone: row.hides_phone,
    mustChangePassword: row.must_change_password,
    contactBarredUntil: row.contact_barred_until,
    createdAt: row.created_at,
  }
}

export function tokenOf(row: TokenRow): Token {
  return {
    hash: row.hash,
    kind: row.kind,
    login: row.login,
    tenant: row.tenant,
    app: row.app,
    member: row.member,
    clientType: row.client_type,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }
}
