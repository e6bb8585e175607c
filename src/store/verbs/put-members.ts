/** Members as they are imported: each added, updated, left alone or refused on its own merits, all in one step. */

import type { Member } from '../../directory/directory.ts'
import type { ImportOutcome } from '../directory.ts'
import type { UnitOfWork, Verb } from '../unit-of-work.ts'

export const putMembers: Verb<[readonly Member[]], readonly ImportOutcome[]> = {
  needs(needs, members) {
    for (const member of members) needs.memberToImport(member)
  },

  decide: (unit, members) => members.map((member) => putMember(unit, member)),
}

function putMember(unit: UnitOfWork, member: Member): ImportOutcome {
  const previous = unit.members.get(member.id)
  const reason = refusalOf(unit, member)
  if (reason) return { kind: 'refused', reason }
  const next = { ...member, createdAt: previous?.createdAt ?? member.createdAt }
  if (previous && isSame(previous, next)) return { kind: 'unchanged' }
  // Whoever is allowed again logs in again.
  if (previous?.isDisabled && !member.isDisabled) unit.tokens.endOf(member.id)
  unit.members.put(next)
  return { kind: previous ? 'updated' : 'added' }
}

/** What belongs to another member: the account, in the tenant or among all who log in with a password, or a contact. */
function refusalOf({ members }: UnitOfWork, member: Member) {
  const { id, tenant, account, passwordHash, phone, email } = member
  const isAnother = (other: Member | undefined) => other !== undefined && other.id !== id
  if (isAnother(members.byAccount(tenant, account))) return 'account-taken'
  if (passwordHash !== null && isAnother(members.byLogin(account))) return 'account-taken'
  if (phone && isAnother(members.byAddress(tenant, phone))) return 'phone-bound'
  if (email && isAnother(members.byAddress(tenant, email))) return 'email-bound'
  return undefined
}

/** Whatever the order in which their fields were set. */
function isSame(a: Member, b: Member): boolean {
  const fields = Object.keys(a) as (keyof Member)[]
  return fields.every((field) => JSON.stringify(a[field]) === JSON.stringify(b[field]))
}
