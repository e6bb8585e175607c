/** Sets or clears a contact for the operator, without a code; the member may be disabled. */

import type { ContactSetting, ContactSettingResult } from '../directory.ts'
import type { Verb } from '../unit-of-work.ts'
import { hasAlready, holderOf, needContact, obstacleTo, replaceContact } from './contact.ts'

export const setContact: Verb<[ContactSetting], ContactSettingResult> = {
  needs(needs, setting) {
    needContact(needs, setting)
    needs.audit(setting.audit)
  },

  decide(unit, setting) {
    const member = unit.members.get(setting.member)
    if (!member) return { kind: 'unknown' }
    const holder = holderOf(unit, setting)
    const obstacle = obstacleTo(member, holder, setting.seen)
    if (obstacle) return { kind: obstacle }
    if (!hasAlready(member, setting))
      replaceContact(unit, member, holder, { ...setting, verification: '', cause: 'operator' })
    if (setting.isGivenAway) unit.formerContacts.removeSince(member.id, setting.contact, 0)
    unit.audit.add(setting.audit)
    return {
      kind: 'changed',
      entries: setting.notices.map((notice) => unit.outbox.put(notice, setting.lease)),
    }
  },
}
