/** Single fields of a member that is set by itself: its profile, and whether it is disabled. */

import type { Profile } from '../../directory/directory.ts'
import type { Verb } from '../unit-of-work.ts'

export const updateProfile: Verb<[string, Profile], boolean> = {
  needs: (needs, id) => needs.member(id),

  decide(unit, id, profile) {
    const member = unit.members.get(id)
    if (member) unit.members.put({ ...member, profile })
    return member !== undefined
  },
}

export const disableMember: Verb<[string, boolean], boolean> = {
  needs: (needs, id) => needs.member(id),

  decide(unit, id, isDisabled) {
    const member = unit.members.get(id)
    // A member who is enabled again must log in again.
    if (member?.isDisabled && !isDisabled) unit.tokens.endOf(id)
    if (member) unit.members.put({ ...member, isDisabled })
    return member !== undefined
  },
}
