/** New members, as the commands make them. */

import { createHash, randomBytes } from 'node:crypto'
import type { Address } from '../address/address.ts'
import { type AdminRole, type Member, memberDefaults } from '../directory/directory.ts'
import { signedField } from '../flows/app-login.ts'

export type NewMember = {
  readonly tenant: string
  readonly account: string
  readonly name: string
  readonly role?: AdminRole
  readonly phone?: Address | null
  readonly phoneCountry?: string | null
  readonly email?: Address | null
  readonly passwordHash?: string | null
  readonly deptCode?: string
  readonly createdAt: number
}

export function newMember(member: NewMember): Member {
  return {
    ...memberDefaults,
    id: memberId(member.tenant, member.account),
    tenant: member.tenant,
    account: member.account,
    passwordHash: member.passwordHash ?? null,
    role: member.role ?? 'none',
    isDisabled: false,
    profile: { name: member.name, englishName: '', signature: '', title: '', description: '' },
    deptCode: member.deptCode ?? '1',
    phone: member.phone ?? null,
    phoneCountry: member.phoneCountry ?? null,
    email: member.email ?? null,
    createdAt: member.createdAt,
  }
}

/** Whether a login with this account is possible: in both kinds of login a colon ends the account. */
export function isAccount(text: string): boolean {
  return new RegExp(signedField, 'u').test(text)
}

/** The id of a member: always the same for an account, so that an import can be repeated. */
function memberId(tenant: string, account: string): string {
  return createHash('sha256').update(`${tenant}\n${account}`).digest('hex').slice(0, 32)
}

/** A password that is easy to type, of over 70 random bits. */
export function newPassword(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789'
  const picked = Array.from({ length: 15 }, () => letters[randomBytes(4).readUInt32BE() % letters.length]!)
  return [0, 5, 10].map((at) => picked.slice(at, at + 5).join('')).join('-')
}
