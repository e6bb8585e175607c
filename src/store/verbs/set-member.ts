/** Single fields of a member that is set by itself: its profile, and whether it is disabled. */

import type { Profile } from '../../directory/directory.ts'
import type { NewAuditEntry } from '../audit.ts'
import type { Verb } from '../unit-of-work.ts'

export const updateProfile: Verb<[string, Profile], boolean> = {
  needs: (needs, id) => needs.member(id),

  decide(unit, id, profile) {
    const member = unit.members.get(id)
    if (member) unit.members.put({ ...member, profile })
    return member !== undefined
  },
}

export const disableMember: Verb<[string, boolean, NewAuditEntry?], boolean> = {
  needs(needs, id, _isDisabled, audit) {
    needs.member(id)
    needs.audit(audit)
  },

  decide(unit, id, isDisabled, audit) {
    const member = unit.members.get(id)
    // A member who is enabled again must log in again.
    if (member?.isDisabled && !isDisabled) unit.tokens.endOf(id)
    if (!member) return false
    unit.members.put({ ...member, isDisabled })
    unit.audit.add(audit)
    return true
  },
}
