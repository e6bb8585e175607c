/** The notices of a changed contact. */

import { type Address, addressKey, maskAddress } from '../address/address.ts'
import type { Member } from '../directory/directory.ts'
import { destinationOf } from '../message/destination.ts'
import { type NewMessage, newMessageId } from '../message/message.ts'
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
export function noticesOf(
  member: Member,
  changed: Changed,
  { serves, ring }: Pick<Services, 'serves' | 'ring'>,
): NewMessage[] {
  const { tenant, app, address, locale, now } = changed
  const key = address && addressKey(address)
  return [member.phone, member.email]
    .filter((contact): contact is Address => contact !== null && addressKey(contact) !== key)
    .map(
      (contact): NewMessage => ({
        id: newMessageId(now),
        tenant,
        app,
        channel: contact.kind === 'phone' ? 'sms' : 'email',
        to: contact,
        locale,
        template: 'contact-changed',
        values: {
          contact: address ? maskAddress(address) : '',
          changedAt: String(now),
          undo: undoReference(ring, contact),
        },
        lifetimeMs: noticeLifetimeMs,
        cooldown: [],
      }),
    )
    .filter((notice) => serves(destinationOf(notice)))
}
