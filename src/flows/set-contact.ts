/** A contact that the operator sets or clears for a member, without a code but with word to the old one. */

import { addressKey } from '../address/address.ts'
import type { ContactSetting } from '../store/directory.ts'
import { noticesOf } from './notices.ts'
import type { Services } from './services.ts'

export type Setting = Omit<ContactSetting, 'seen' | 'notices' | 'lease'> & { readonly locale: string }

export type SettingOutcome =
  | { readonly kind: 'changed'; readonly notices: number }
  | { readonly kind: 'unchanged' | 'unknown' }
  /** Another member has it, who is not disabled. */
  | { readonly kind: 'bound' }
  /** The member changes contacts just now. */
  | { readonly kind: 'stale' }

const mostTries = 3
/** Nobody's: they are due at once, for whichever process serves. */
const lease = { owner: '', ms: 0 }

export async function setContact(
  { store: { directory }, clock, serves }: Pick<Services, 'store' | 'clock' | 'serves'>,
  setting: Setting,
): Promise<SettingOutcome> {
  const { contact, address, ...rest } = setting
  for (let tries = 0; tries < mostTries; tries++) {
    const member = await directory.member(setting.member)
    if (!member) return { kind: 'unknown' }
    const present = member[contact]
    if ((present && addressKey(present)) === (address && addressKey(address))) return { kind: 'unchanged' }
    const notices = noticesOf(member, { ...rest, address, now: clock.now() }, serves)
    const seen = { phone: member.phone, email: member.email }
    const result = await directory.setContact({ ...setting, seen, notices, lease })
    if (result.kind === 'changed') return { kind: 'changed', notices: result.entries.length }
    if (result.kind !== 'stale') return result
  }
  return { kind: 'stale' }
}
