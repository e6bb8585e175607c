/** Imports members in one step. Each is added, updated, left alone or refused independently of the others. */

import type { Member } from '../../directory/directory.ts'
import type { MemberClash } from '../administration.ts'
import type { NewAuditEntry } from '../audit.ts'
import type { ImportOutcome } from '../directory.ts'
import type { UnitOfWork, Verb } from '../unit-of-work.ts'
import { keepFormer } from './contact.ts'

/** Of the entries of the audit, those of members who were added or updated are added. */
export const putMembers: Verb<
  [members: readonly Member[], audit?: readonly NewAuditEntry[]],
  readonly ImportOutcome[]
> = {
  needs(needs, members, audit) {
    for (const member of members) needs.memberToImport(member)
    for (const entry of audit ?? []) needs.audit(entry)
  },

  decide(unit, members, audit) {
    const outcomes = members.map((member) => putMember(unit, member))
    const put = new Set(
      members.filter((_, i) => ['added', 'updated'].includes(outcomes[i]!.kind)).map(({ id }) => id),
    )
    for (const entry of audit ?? []) if (put.has(entry.target)) unit.audit.add(entry)
    return outcomes
  },
}

function putMember(unit: UnitOfWork, member: Member): ImportOutcome {
  const previous = unit.members.get(member.id)
  const reason = clashOf(unit, member)
  if (reason) return { kind: 'refused', reason }
  const next = { ...member, createdAt: previous?.createdAt ?? member.createdAt }
  if (previous && isSame(previous, next)) return { kind: 'unchanged' }
  // A member who is enabled again must log in again.
  if (previous?.isDisabled && !member.isDisabled) unit.tokens.endOf(member.id)
  unit.members.put(next)
  if (previous) keepFormer(unit, previous, next)
  return { kind: previous ? 'updated' : 'added' }
}

/** Refuses an account or a contact that another member has. An account with a password is unique over all tenants. */
export function clashOf({ members }: UnitOfWork, member: Member): MemberClash | undefined {
  const { id, tenant, account, thirdAccount, passwordHash, phone, email } = member
  const isAnother = (other: Member | undefined) => other !== undefined && other.id !== id
  if (isAnother(members.byAccount(tenant, account))) return 'account-taken'
  if (passwordHash !== null && isAnother(members.byLogin(account))) return 'account-taken'
  if (thirdAccount !== null && isAnother(members.byThirdAccount(tenant, thirdAccount)))
    return 'third-account-taken'
  if (phone && isAnother(members.byAddress(tenant, phone))) return 'phone-bound'
  if (email && isAnother(members.byAddress(tenant, email))) return 'email-bound'
  return undefined
}

/** Compares by fields, in whatever order they were set. */
function isSame(a: Member, b: Member): boolean {
  const fields = Object.keys(a) as (keyof Member)[]
  return fields.every((field) => JSON.stringify(a[field]) === JSON.stringify(b[field]))
}
