/** What of a member is set by itself: its profile, its password, and whether it is disabled. */

import type { Profile } from '../../directory/directory.ts'
import type { PasswordSetting, PasswordSettingResult } from '../administration.ts'
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

export const setPassword: Verb<[PasswordSetting], PasswordSettingResult> = {
  needs(needs, { seen, passwordHash, audit }) {
    needs.memberToImport({ ...seen, passwordHash })
    needs.audit(audit)
  },

  decide(unit, { seen, passwordHash, isTemporary, notices, lease, audit }) {
    const member = unit.members.get(seen.id)
    if (member?.passwordHash !== seen.passwordHash || member.account !== seen.account)
      return { kind: 'stale' }
    // An account without a password may be that of a member of another tenant too.
    const other = unit.members.byLogin(member.account)
    if (other && other.id !== member.id) return { kind: 'taken' }
    unit.members.put({ ...member, passwordHash, mustChangePassword: isTemporary })
    unit.tokens.endOf(member.id)
    unit.audit.add(audit)
    return { kind: 'done', entries: notices.map((notice) => unit.outbox.put(notice, lease)) }
  },
}
