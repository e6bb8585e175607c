/** What administrators' acts have in common: who acts, finding the members that are meant, and the entries of the audit. */

import type { Member, Session } from '../directory/directory.ts'
import type { BatchResult } from '../store/administration.ts'
import type { NewAuditEntry } from '../store/audit.ts'
import { auditEntry } from './audit.ts'
import { mayManage } from './rights.ts'
import type { Services } from './services.ts'

export type ByAdministrator = {
  readonly session: Session
  readonly requestId: string
  readonly locale: string
}

/** id: by the account · third: by the id in another system, or else the account, as App ID logins name members. */
export type NamedBy = 'account' | 'third'

export type BatchOutcome = BatchResult | { readonly kind: 'not-permitted' }

export function auditOf(
  { ring }: Services,
  { session, requestId }: ByAdministrator,
  act: string,
  target: string,
  details: NewAuditEntry['details'] = {},
): NewAuditEntry {
  const actor = { kind: 'member', id: session.member.id } as const
  return auditEntry(ring, { actor, act, tenant: session.tenant.id, target, requestId, details })
}

export function findMember(
  { store: { directory } }: Services,
  tenant: string,
  name: string,
  by: NamedBy,
): Promise<Member | undefined> {
  return by === 'third' ? directory.memberByUserId(tenant, name) : directory.memberByAccount(tenant, name)
}

/** Acts on several members, all or none. @param act  Of the audit. */
export async function actOnMembers(
  services: Services,
  by: ByAdministrator,
  names: readonly string[],
  namedBy: NamedBy,
  act: string,
  apply: (batch: {
    readonly tenant: string
    readonly members: readonly Pick<Member, 'id' | 'account'>[]
    readonly audit: readonly NewAuditEntry[]
  }) => Promise<BatchResult>,
  details: NewAuditEntry['details'] = {},
): Promise<BatchOutcome> {
  const tenant = by.session.tenant.id
  const found = await membersNamed(services, tenant, names, namedBy)
  const missing = names.find((name) => !found.has(name))
  if (missing !== undefined) return { kind: 'refused', reason: 'unknown', account: missing }
  const members = [...new Map([...found.values()].map((member) => [member.id, member])).values()]
  if (!members.every((member) => mayManage(by.session.member, member))) return { kind: 'not-permitted' }
  if (members.length === 0) return { kind: 'done' }
  const audit = members.map(({ id }) => auditOf(services, by, act, id, details))
  const result = await apply({ tenant, members, audit })
  for (const { id } of members) services.sessions.forget(id)
  return result
}

async function membersNamed(
  { store: { directory } }: Services,
  tenant: string,
  names: readonly string[],
  by: NamedBy,
): Promise<ReadonlyMap<string, Member>> {
  const found = new Map<string, Member>()
  if (by === 'third')
    for (const member of await directory.membersNamed(tenant, 'thirdAccount', names))
      found.set(member.thirdAccount!, member)
  const others = names.filter((name) => !found.has(name))
  for (const member of await directory.membersNamed(tenant, 'account', others))
    found.set(member.account, member)
  return found
}
