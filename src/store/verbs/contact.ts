/** The common part of both ways to change a contact: the obstacles, and the change itself. */

import { type Address, addressKey } from '../../address/address.ts'
import type { Member } from '../../directory/directory.ts'
import type { ContactChange, ContactSetting } from '../directory.ts'
import type { Needs, UnitOfWork } from '../unit-of-work.ts'
import { tell, tellContact } from './tell.ts'

type Wanted = Pick<ContactSetting, 'tenant' | 'member' | 'address'>

export function needContact(needs: Needs, { tenant, member, address }: Wanted): void {
  needs.member(member)
  if (address) needs.memberByAddress(tenant, address)
  needs.liveOf(tenant, member)
}

/** Another member who has the address, and loses it by the change. */
type Holder = Member | undefined

export function holderOf(unit: UnitOfWork, { tenant, member, address }: Wanted): Holder {
  const holder = address ? unit.members.byAddress(tenant, address) : undefined
  return holder?.id === member ? undefined : holder
}

/**
 * stale: the caller decided on contacts that have changed since · bound: a member who is not disabled has the address. A
 * disabled member loses it, because otherwise a number with a new owner could never be used again.
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

/** Whether the member has the contact as it is to be. */
export function hasAlready(
  member: Member,
  { contact, address }: Pick<ContactSetting, 'contact' | 'address'>,
): boolean {
  return isSame(member[contact], address)
}

type Replacement = Pick<ContactSetting, 'contact' | 'address' | 'country' | 'tenant' | 'app' | 'notices'> & {
  /** The verification of the change; empty if there is none. */
  readonly verification: string
  readonly cause: 'code' | 'operator' | 'administrator' | 'undo' | 'recovery'
}

/**
 * Changes the contact, and ends the member's live codes and proofs, which depended on the old contacts. The contact that goes
 * away is kept as a former one. Not so that of a disabled holder, because somebody else has just proved it, nor that which
 * an undo takes away: whoever holds it must not undo in turn.
 */
export function replaceContact(unit: UnitOfWork, member: Member, holder: Holder, change: Replacement): void {
  const { contact, address, country, tenant, app, verification, cause, notices } = change
  const entry = { kind: 'contact-changed', tenant, app, verification } as const
  if (holder) {
    const next = withContact(holder, contact, null, null)
    unit.members.put(next)
    unit.journal.append({ ...entry, member: holder.id, detail: { contact, cause: 'taken-over', notices: 0 } })
    tellContact(unit, { ...entry, contact, member: holder, next, cause: 'taken-over' })
  }
  const next = withContact(member, contact, address, country)
  unit.members.put(next)
  tellContact(unit, { ...entry, contact, member, next, cause })
  unit.journal.append({ ...entry, member: member.id, detail: { contact, cause, notices: notices.length } })
  for (const record of unit.verifications.liveOf(tenant, member.id)) {
    unit.verifications.change(record, { state: 'dead' })
    tell(unit, 'verification.cancelled', record, { reason: 'contact-changed' })
  }
  unit.proofs.endOf(member.id)
  if (cause !== 'undo') keepFormer(unit, member, next)
}

/** Keeps the contacts that a change of the member took away, so that the change can be undone. */
export function keepFormer(unit: UnitOfWork, before: Member, after: Member): void {
  for (const contact of ['phone', 'email'] as const) {
    const address = before[contact]
    if (!address || isSame(address, after[contact])) continue
    const country = contact === 'phone' ? before.phoneCountry : null
    const { tenant, id } = before
    unit.formerContacts.add({ tenant, member: id, contact, address, country, changedAt: unit.now })
  }
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
