/** What an administrator does with members: adds, changes, deletes, disables, gives roles. A batch is done whole or not at all. */

import { rootDepartment } from '../../directory/department.ts'
import type { Member } from '../../directory/directory.ts'
import type {
  BatchResult,
  MemberAddition,
  MemberAdditionResult,
  MemberBatch,
  MemberUpdate,
  MemberUpdateResult,
} from '../administration.ts'
import type { Needs, UnitOfWork, Verb } from '../unit-of-work.ts'
import { holderOf, needContact, obstacleTo, replaceContact } from './contact.ts'
import { clashOf } from './put-members.ts'
import { tell } from './tell.ts'

export const addMember: Verb<[MemberAddition], MemberAdditionResult> = {
  needs(needs, { member, audit }) {
    needs.audit(audit)
    needs.memberToImport(member)
    needDepartment(needs, member)
  },

  decide(unit, { member, notices, lease, audit }) {
    const reason =
      // Ids that are made from accounts are taken with them.
      (unit.members.get(member.id) ? 'account-taken' : clashOf(unit, member)) ??
      (hasDepartment(unit, member) ? undefined : 'no-department')
    if (reason) return { kind: 'refused', reason }
    unit.members.put(member)
    unit.audit.add(audit)
    return { kind: 'added', entries: notices.map((notice) => unit.outbox.put(notice, lease)) }
  },
}

export const updateMember: Verb<[MemberUpdate], MemberUpdateResult> = {
  needs(needs, { tenant, member, change, contacts, audit }) {
    needs.audit(audit)
    needs.member(member)
    for (const { address } of contacts) needContact(needs, { tenant, member, address })
    if (change.deptCode !== undefined) needDepartment(needs, { tenant, deptCode: change.deptCode })
  },

  decide(unit, update) {
    const { tenant, app, change, contacts, seen, lease } = update
    const member = unit.members.get(update.member)
    if (member?.tenant !== tenant) return { kind: 'unknown' }
    const next = { ...member, ...change }
    if (next.isDisabled && member.role === 'default')
      return { kind: 'refused', reason: 'default-administrator' }
    if (next.deptCode !== member.deptCode && !hasDepartment(unit, next))
      return { kind: 'refused', reason: 'no-department' }
    for (const contact of contacts) {
      const obstacle = obstacleTo(member, holderOf(unit, { ...update, ...contact }), seen)
      if (obstacle === 'stale') return { kind: 'stale' }
      if (obstacle)
        return { kind: 'refused', reason: contact.contact === 'phone' ? 'phone-bound' : 'email-bound' }
    }
    if (member.isDisabled && !next.isDisabled) unit.tokens.endOf(member.id)
    unit.members.put(next)
    for (const contact of contacts)
      replaceContact(unit, unit.members.get(member.id)!, holderOf(unit, { ...update, ...contact }), {
        tenant,
        app,
        ...contact,
        verification: '',
        cause: 'administrator',
      })
    unit.audit.add(update.audit)
    const notices = contacts.flatMap((contact) => contact.notices)
    return {
      kind: 'changed',
      member: unit.members.get(member.id)!,
      entries: notices.map((notice) => unit.outbox.put(notice, lease)),
    }
  },
}

export const deleteMembers: Verb<[MemberBatch], BatchResult> = {
  needs(needs, batch) {
    needMembers(needs, batch)
    for (const { id } of batch.members) {
      needs.liveOf(batch.tenant, id)
      needs.contactHistory(id)
    }
  },

  decide: (unit, batch) =>
    forAll(unit, batch, isDefault, (member) => {
      const former = unit.formerContacts.of(member.id).map(({ address }) => address)
      const contacts = [member.phone, member.email, ...former].filter((one) => one !== null)
      unit.members.remove(member, contacts)
      unit.tokens.endOf(member.id)
      unit.proofs.endOf(member.id)
      unit.formerContacts.endOf(member.id)
      unit.recoveries.remove(member.id)
      for (const record of unit.verifications.liveOf(batch.tenant, member.id)) {
        unit.verifications.change(record, { state: 'dead' })
        tell(unit, 'verification.cancelled', record, { reason: 'member-deleted' })
      }
    }),
}

export const setStatuses: Verb<[MemberBatch & { readonly isDisabled: boolean }], BatchResult> = {
  needs: needMembers,

  decide: (unit, batch) =>
    forAll(
      unit,
      batch,
      (member) => batch.isDisabled && isDefault(member),
      (member) => {
        if (member.isDisabled === batch.isDisabled) return
        if (!batch.isDisabled) unit.tokens.endOf(member.id)
        unit.members.put({ ...member, isDisabled: batch.isDisabled })
      },
    ),
}

export const setRoles: Verb<[MemberBatch & { readonly role: 'admin' | 'none' }], BatchResult> = {
  needs: needMembers,

  decide: (unit, batch) =>
    forAll(unit, batch, isDefault, (member) => {
      if (member.role !== batch.role) unit.members.put({ ...member, role: batch.role })
    }),
}

const isDefault = ({ role }: Member): boolean => role === 'default'

/** Does an act for each member of a batch, unless one of them stands against it. */
function forAll(
  unit: UnitOfWork,
  { tenant, members, audit = [] }: MemberBatch,
  isBarred: (member: Member) => boolean,
  act: (member: Member) => void,
): BatchResult {
  const found: Member[] = []
  for (const { id, account } of members) {
    const member = unit.members.get(id)
    if (member?.tenant !== tenant || member.account !== account)
      return { kind: 'refused', reason: 'unknown', account }
    if (isBarred(member)) return { kind: 'refused', reason: 'default-administrator', account }
    // A member who is named twice is meant once.
    if (!found.includes(member)) found.push(member)
  }
  for (const member of found) act(member)
  for (const entry of audit) unit.audit.add(entry)
  return { kind: 'done' }
}

function needMembers(needs: Needs, { members, audit = [] }: MemberBatch): void {
  for (const entry of audit) needs.audit(entry)
  for (const { id } of members) needs.member(id)
}

type Place = Pick<Member, 'tenant' | 'deptCode'>

function needDepartment(needs: Needs, { tenant, deptCode }: Place): void {
  if (deptCode !== rootDepartment) needs.department(tenant, deptCode)
}

function hasDepartment(unit: UnitOfWork, { tenant, deptCode }: Place): boolean {
  return deptCode === rootDepartment || unit.departments.get(tenant, deptCode) !== undefined
}
