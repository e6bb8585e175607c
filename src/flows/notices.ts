/** The notices of what was changed about a member, or will be: a contact, the password. */

import { type Address, addressKey, maskAddress } from '../address/address.ts'
import type { Member } from '../directory/directory.ts'
import { destinationOf } from '../message/destination.ts'
import { type MessageTemplate, type NewMessage, newMessageId } from '../message/message.ts'
import type { Services } from './services.ts'
import { undoReference } from './undo-reference.ts'

export type Changed = {
  readonly tenant: string
  /** The app that the notices are sent for. */
  readonly app: string
  /** The new contact; null: it was taken away. */
  readonly address: Address | null
  readonly locale: string
  readonly now: number
}

/** A notice may take a day, because the old contact may be switched off overnight. */
const noticeLifetimeMs = 24 * 3_600_000

/** One notice to each contact that the member had before the change (SP 800-63B 4.6), so never to the new one alone. */
export function noticesOf(member: Member, changed: Changed, services: Notifying): NewMessage[] {
  return noticesBy('contact-changed', member, changed, changed.now, services)
}

/** One notice to each contact of a member whose contact a recovery will change. @param dueAt  Expected; ms. */
export function recoveryNoticesOf(
  member: Member,
  changed: Changed,
  dueAt: number,
  services: Notifying,
): NewMessage[] {
  return noticesBy('recovery-started', member, changed, dueAt, services)
}

type Notifying = Pick<Services, 'serves' | 'ring'>

function noticesBy(
  template: MessageTemplate,
  member: Member,
  changed: Changed,
  changedAt: number,
  { serves, ring }: Notifying,
): NewMessage[] {
  const { address } = changed
  const values = { contact: address ? maskAddress(address) : '', changedAt: String(changedAt) }
  const key = address && addressKey(address)
  return contactsOf(member)
    .filter((contact) => addressKey(contact) !== key)
    .map((contact) => {
      const undo = undoReference(ring, contact)
      return noticeTo(contact, template, { ...values, undo }, changed)
    })
    .filter((notice) => serves(destinationOf(notice)))
}

/** One notice of a new password to each contact. @param but  The one that is told otherwise. */
export function passwordNotices(
  member: Member,
  by: Noticed,
  serves: Services['serves'],
  but?: Address,
): NewMessage[] {
  return contactsOf(member)
    .filter((contact) => contact !== but)
    .map((contact) => noticeTo(contact, 'password-changed', { changedAt: String(by.now) }, by))
    .filter((notice) => serves(destinationOf(notice)))
}

/** Who a notice is sent for, in which language. `now`: of this process. */
export type Noticed = Pick<Changed, 'tenant' | 'app' | 'locale' | 'now'>

export function noticeTo(
  to: Address,
  template: NewMessage['template'],
  values: NewMessage['values'],
  { tenant, app, locale, now }: Noticed,
): NewMessage {
  return {
    id: newMessageId(now),
    tenant,
    app,
    channel: to.kind === 'phone' ? 'sms' : 'email',
    to,
    locale,
    template,
    values,
    lifetimeMs: noticeLifetimeMs,
    cooldown: [],
  }
}

function contactsOf({ phone, email }: Member): Address[] {
  return [phone, email].filter((contact) => contact !== null)
}
