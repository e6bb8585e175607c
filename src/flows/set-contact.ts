/** Sets or clears a member's contact for the operator, without a code but with a notice to the old contact. */

import { addressKey } from '../address/address.ts'
import type { ContactSetting } from '../store/directory.ts'
import { noticesOf } from './notices.ts'
import type { Services } from './services.ts'

export type Setting = Omit<ContactSetting, 'seen' | 'notices' | 'lease'> & { readonly locale: string }

export type SettingOutcome =
  | { readonly kind: 'changed'; readonly notices: number }
  | { readonly kind: 'unchanged' | 'unknown' }
  /** Another member, who is not disabled, has the address. */
  | { readonly kind: 'bound' }
  /** The member's contacts changed meanwhile. */
  | { readonly kind: 'stale' }

const maxTries = 3
/** The lease of nobody: the notices are due at once, for any process that serves. */
const lease = { owner: '', ms: 0 }

export async function setContact(
  { store: { directory }, clock, serves, ring }: Pick<Services, 'store' | 'clock' | 'serves' | 'ring'>,
  setting: Setting,
): Promise<SettingOutcome> {
  const { contact, address, ...rest } = setting
  for (let tries = 0; tries < maxTries; tries++) {
    const member = await directory.member(setting.member)
    if (!member) return { kind: 'unknown' }
    const present = member[contact]
    const isSame = (present && addressKey(present)) === (address && addressKey(address))
    if (isSame && !setting.isGivenAway) return { kind: 'unchanged' }
    const told = setting.isGivenAway ? { ...member, [contact]: null } : member
    const changed = { ...rest, address, now: clock.now() }
    const notices = isSame ? [] : noticesOf(told, changed, { serves, ring })
    const seen = { phone: member.phone, email: member.email }
    const result = await directory.setContact({ ...setting, seen, notices, lease })
    if (result.kind === 'changed' && isSame) return { kind: 'unchanged' }
    if (result.kind === 'changed') return { kind: 'changed', notices: result.entries.length }
    if (result.kind !== 'stale') return result
  }
  return { kind: 'stale' }
}
