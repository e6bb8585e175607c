/** Converts records to SQLite rows and back. */

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
import { stateOfNumber } from '../numbering.ts'

export type Row = Record<string, unknown>

export function verificationOf(row: Row): Verification {
  return asCallersSee(storedOf(row))
}

export function storedOf(row: Row): StoredVerification {
  return {
    id: row.id as string,
    tenant: row.tenant as string,
    app: row.app as string,
    subject: row.member as string,
    address: row.address as string,
    purpose: row.purpose as Purpose,
    keyId: row.key_id as string,
    digits: row.digits as number,
    state: stateOfNumber[row.state as number]!,
    issuedAt: row.issued_at as number,
    expiresAt: row.expires_at as number,
    submissions: row.submissions as number,
    usedAt: row.used_at as number | null,
    isTest: row.is_test === 1,
    details: detailsIn(row.details),
  }
}

export function detailsIn(column: unknown): VerificationDetails | null {
  return column === null ? null : (JSON.parse(column as string) as VerificationDetails)
}

export function tenantOf(row: Row): Tenant {
  return {
    id: row.id as string,
    name: row.name as string,
    accountApp: row.account_app as string,
    address: row.address as string,
    autoUserCreate: row.auto_user_create === 1,
  }
}

export function appOf(row: Row): App {
  return {
    id: row.id as string,
    tenant: row.tenant as string,
    name: row.name as string,
    sealedKey: row.sealed_key as string,
    isServiceProvider: row.is_service_provider === 1,
    isDisabled: row.is_disabled === 1,
    policy: JSON.parse(row.policy as string) as Record<string, unknown>,
    description: row.description as string,
    previousKey:
      row.previous_key === null
        ? null
        : { sealed: row.previous_key as string, until: row.previous_key_until as number },
    createdAt: row.created_at as number,
    updatedAt: Math.max(row.updated_at as number, row.created_at as number),
  }
}

export function memberOf(row: Row): Member {
  return {
    id: row.id as string,
    tenant: row.tenant as string,
    account: row.account as string,
    thirdAccount: row.third_account as string | null,
    passwordHash: row.password_hash as string | null,
    role: row.role as AdminRole,
    isDisabled: row.is_disabled === 1,
    profile: JSON.parse(row.profile as string) as Profile,
    deptCode: row.dept_code as string,
    phone: addressIn(row.phone),
    phoneCountry: row.phone_country as string | null,
    email: addressIn(row.email),
    sortLevel: row.sort_level as number,
    hidesPhone: row.hides_phone === 1,
    mustChangePassword: row.must_change_password === 1,
    contactBarredUntil: row.contact_barred_until as number | null,
    createdAt: row.created_at as number,
  }
}

export function departmentOf(row: Row): Department {
  return {
    tenant: row.tenant as string,
    code: row.code as string,
    name: row.name as string,
    parent: row.parent as string | null,
    note: row.note as string,
    inPermission: row.in_permission as string,
    outPermission: row.out_permission as string,
    designatedOutDeptCodes: JSON.parse(row.designated_out as string) as string[],
    sortLevel: row.sort_level as number,
    path: row.path as string,
  }
}

export function formerMemberOf(row: Row): FormerMember {
  return {
    id: row.id as string,
    tenant: row.tenant as string,
    account: row.account as string,
    contacts: JSON.parse(row.contacts as string) as Address[],
    deletedAt: row.deleted_at as number,
  }
}

export function tokenOf(row: Row): Token {
  return {
    hash: row.hash as string,
    kind: row.kind as TokenKind,
    login: row.login as string,
    tenant: row.tenant as string,
    app: row.app as string,
    member: row.member as string,
    clientType: row.client_type as number,
    createdAt: row.created_at as number,
    expiresAt: row.expires_at as number,
  }
}

function addressIn(column: unknown): Address | null {
  return column === null ? null : (JSON.parse(column as string) as Address)
}
