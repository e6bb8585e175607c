/** What both ways of changing a contact have in common: what stands in their way, and what they change. */

import { type Address, addressKey } from '../../address/address.ts'
import type { Member } from '../../directory/directory.ts'
import type { ContactChange, ContactSetting } from '../directory.ts'
import type { Needs, UnitOfWork } from '../unit-of-work.ts'

type Wanted = Pick<ContactSetting, 'tenant' | 'member' | 'address'>

export function needContact(needs: Needs, { tenant, member, address }: Wanted): void {
  needs.member(member)
  if (address) needs.memberByAddress(tenant, address)
  needs.liveOf(tenant, member)
}

/** The other member who has the address, and loses it. */
type Holder = Member | undefined

export function holderOf(unit: UnitOfWork, { tenant, member, address }: Wanted): Holder {
  const holder = address ? unit.members.byAddress(tenant, address) : undefined
  return holder?.id === member ? undefined : holder
}

/**
 * stale: decided on contacts that the member no longer has · bound: a member has it who is not disabled. A disabled
 * one loses it, or a number that went to somebody new could never be used again.
 */
export function obstacleTo(
  member: Member,
  holder: Holder,
  seen: ContactChange['seen'],
): 'stale' | 'bound' | undefined {
  if (!isSame(member.phone, seen.phone) || !isSame(member.email, seen.email)) return 'stale'
  return holder && !holder.isDisabled ? 'bound' : undefined
}

function isSame(a: Address | null, b: Address | null): boolean {
  return a === null || b === null ? a === b : addressKey(a) === addressKey(b)
}

type Replacement = Pick<ContactSetting, 'contact' | 'address' | 'country' | 'tenant' | 'app' | 'notices'> & {
  /** The verification concerned; empty if none. */
  readonly verification: string
  readonly cause: 'code' | 'operator'
}

/** Changes the contact and ends what hung on the old ones: the member's live codes, and what his logins have proved. */
export function replaceContact(unit: UnitOfWork, member: Member, holder: Holder, change: Replacement): void {
  const { contact, address, country, tenant, app, verification, cause, notices } = change
  const entry = { kind: 'contact-changed', tenant, app, verification } as const
  if (holder) {
    unit.members.put(withContact(holder, contact, null, null))
    unit.journal.append({ ...entry, member: holder.id, detail: { contact, cause: 'taken-over', notices: 0 } })
  }
  unit.members.put(withContact(member, contact, address, country))
  unit.journal.append({ ...entry, member: member.id, detail: { contact, cause, notices: notices.length } })
  for (const record of unit.verifications.liveOf(tenant, member.id))
    unit.verifications.change(record, { state: 'dead' })
  unit.proofs.endOf(member.id)
}

function withContact(
  member: Member,
  contact: Address['kind'],
  address: Address | null,
  country: string | null,
): Member {
  return contact === 'phone'
    ? { ...member, phone: address, phoneCountry: address && country }
    : { ...member, email: address }
}
