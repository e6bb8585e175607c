/** What administrators change in one step each: members, their statuses and roles, departments, the enterprise. */

import type { Address } from '../address/address.ts'
import type { Department, DepartmentChange } from '../directory/department.ts'
import type { Member, Tenant } from '../directory/directory.ts'
import type { NewMessage } from '../message/message.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { NewAuditEntry } from './audit.ts'
import type { Lease } from './outbox.ts'

/** What another member has. If there are several, every engine returns the first in this order. */
export type MemberClash = 'account-taken' | 'third-account-taken' | 'phone-bound' | 'email-bound'

/** no-department: the department has no record and is not the root. */
export type MemberRefusal = MemberClash | 'no-department' | 'default-administrator'

export type MemberAddition = {
  readonly member: Member
  readonly notices: readonly NewMessage[]
  readonly lease: Lease
  readonly audit?: NewAuditEntry
}

export type MemberAdditionResult =
  | { readonly kind: 'added'; readonly entries: readonly OutboxEntry[] }
  | { readonly kind: 'refused'; readonly reason: MemberRefusal }

/** A contact that an administrator sets or clears with a member's other data. */
export type NewContact = {
  readonly contact: Address['kind']
  /** null: the contact is removed. */
  readonly address: Address | null
  readonly country: string | null
  readonly notices: readonly NewMessage[]
}

export type MemberUpdate = {
  readonly tenant: string
  /** The app that the notices are sent for. */
  readonly app: string
  /** The id. */
  readonly member: string
  readonly change: Partial<
    Pick<Member, 'profile' | 'deptCode' | 'sortLevel' | 'hidesPhone' | 'isDisabled' | 'phoneCountry'>
  >
  /** Those that change. A member who is disabled and has the address loses it, as in a change by code. */
  readonly contacts: readonly NewContact[]
  /** The contacts on which the caller decided. If they have changed since, the result is `stale`. */
  readonly seen: Pick<Member, 'phone' | 'email'>
  readonly lease: Lease
  readonly audit?: NewAuditEntry
}

export type MemberUpdateResult =
  | { readonly kind: 'changed'; readonly member: Member; readonly entries: readonly OutboxEntry[] }
  /** The tenant has no such member. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'refused'; readonly reason: MemberRefusal }

/** Members of one tenant, by their ids and by the accounts that the caller knows them by. */
export type MemberBatch = {
  readonly tenant: string
  readonly members: readonly Pick<Member, 'id' | 'account'>[]
  /** One for each of them. */
  readonly audit?: readonly NewAuditEntry[]
}

/** All of a batch, or none of it: the first member that stands against it, and why. */
export type BatchResult =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'refused'
      /** default-administrator: who can be neither deleted nor disabled, and keeps the role. */
      readonly reason: 'unknown' | 'default-administrator'
      readonly account: string
    }

/** A password that replaces another, or is a member's first. */
export type PasswordSetting = {
  /** The member as the caller decided on it. */
  readonly seen: Member
  readonly passwordHash: string
  /** Whether it must be changed at the next login. */
  readonly isTemporary: boolean
  readonly notices: readonly NewMessage[]
  readonly lease: Lease
  readonly audit?: NewAuditEntry
}

export type PasswordSettingResult =
  | { readonly kind: 'done'; readonly entries: readonly OutboxEntry[] }
  /** The member is gone, or its password or account has changed since · taken: a member of another tenant logs in by the account. */
  | { readonly kind: 'stale' | 'taken' }

export type NewDepartment = Omit<Department, 'path' | 'parent'> & { readonly parent: string }

export type DepartmentResult =
  | { readonly kind: 'done'; readonly department: Department }
  | {
      readonly kind: 'refused'
      /** within-itself: the new parent is the department itself, or below it · deep: below more than the most levels. */
      readonly reason:
        | 'unknown'
        | 'taken'
        | 'no-parent'
        | 'within-itself'
        | 'deep'
        | 'root'
        | 'has-members'
        | 'has-children'
    }

export type Administration = {
  /** Adds a member, whose department must exist. */
  addMember(addition: MemberAddition): Promise<MemberAdditionResult>
  /** Changes a member, with its contacts, for an administrator. A member who is enabled again must log in again. */
  updateMember(update: MemberUpdate): Promise<MemberUpdateResult>
  /**
   * Deletes members: their accounts and contacts are free at once, their logins, live codes and proofs have ended. What
   * stays is a `FormerMember`.
   */
  deleteMembers(batch: MemberBatch): Promise<BatchResult>
  setStatuses(batch: MemberBatch & { readonly isDisabled: boolean }): Promise<BatchResult>
  /** Sets a member's password, and ends all its logins. */
  setPassword(setting: PasswordSetting): Promise<PasswordSettingResult>
  setRoles(batch: MemberBatch & { readonly role: 'admin' | 'none' }): Promise<BatchResult>

  addDepartment(department: NewDepartment, audit?: NewAuditEntry): Promise<DepartmentResult>
  /** A new parent moves the whole subtree. The root can change all but its parent. */
  updateDepartment(
    tenant: string,
    code: string,
    change: DepartmentChange,
    audit?: NewAuditEntry,
  ): Promise<DepartmentResult>
  /** Deletes a department without members and children. */
  deleteDepartment(tenant: string, code: string, audit?: NewAuditEntry): Promise<DepartmentResult>

  /** @returns The tenant as it is now; undefined if there is none. */
  updateTenant(
    id: string,
    change: Partial<Pick<Tenant, 'address' | 'autoUserCreate'>>,
    audit?: NewAuditEntry,
  ): Promise<Tenant | undefined>
}
