/** A recovery: started by an administrator, stopped by whoever holds a present contact, applied when its time has come. */

import { type Address, addressKey } from '../../address/address.ts'
import type { Member } from '../../directory/directory.ts'
import { keysOf, refundAll } from '../../throttle/open-limiters.ts'
import type {
  RecoveryApply,
  RecoveryApplyResult,
  RecoveryCancel,
  RecoveryStart,
  RecoveryStartResult,
  RecoveryStop,
  RecoveryStopResult,
} from '../contact-undo.ts'
import type { Verb } from '../unit-of-work.ts'
import { holderOf, needContact, obstacleTo, replaceContact } from './contact.ts'
import { markUsed, usableOf } from './use.ts'

export const startRecovery: Verb<[RecoveryStart], RecoveryStartResult> = {
  needs(needs, { recovery, audit }) {
    needContact(needs, recovery)
    needs.contactHistory(recovery.member)
    needs.audit(audit)
  },

  decide(unit, { recovery, waitMs, seen, notices, lease, audit }) {
    const member = unit.members.get(recovery.member)
    if (!member || member.tenant !== recovery.tenant) return { kind: 'unknown' }
    if (unit.recoveries.get(member.id)) return { kind: 'pending' }
    const obstacle = obstacleTo(member, holderOf(unit, recovery), seen)
    if (obstacle) return { kind: obstacle }
    const dueAt = Math.max(unit.now + waitMs, member.contactBarredUntil ?? 0)
    unit.recoveries.put({ ...recovery, startedAt: unit.now, dueAt })
    const { tenant, app, contact } = recovery
    const detail = { contact, notices: notices.length }
    unit.journal.append({
      kind: 'recovery-started',
      tenant,
      app,
      member: member.id,
      verification: '',
      detail,
    })
    unit.audit.add(audit)
    return { kind: 'started', dueAt, entries: notices.map((notice) => unit.outbox.put(notice, lease)) }
  },
}

export const stopRecovery: Verb<[RecoveryStop], RecoveryStopResult> = {
  needs(needs, { member, verification, wrong }) {
    needs.member(member)
    needs.contactHistory(member)
    needs.verification(verification)
    needs.lastAccepted(verification)
    needs.limiters(keysOf(wrong))
  },

  decide(unit, { tenant, app, member: id, verification, wrong, address, notices, lease }) {
    const member = unit.members.get(id)
    const record = usableOf(unit, verification)
    const recovery = unit.recoveries.get(id)
    if (!member || member.tenant !== tenant || !record || !recovery || !hasContact(member, address))
      return { kind: 'refused' }
    const used = markUsed(unit, record, true)
    unit.recoveries.remove(id)
    const detail = { contact: recovery.contact, by: address.kind, notices: notices.length }
    unit.journal.append({ kind: 'recovery-stopped', tenant, app, member: id, verification, detail })
    refundAll(unit.limiters, wrong)
    return { kind: 'stopped', entries: notices.map((notice) => unit.outbox.put(notice, lease)), used }
  },
}

export const cancelRecovery: Verb<[RecoveryCancel], boolean> = {
  needs(needs, { member, audit }) {
    needs.member(member)
    needs.contactHistory(member)
    needs.audit(audit)
  },

  decide(unit, { tenant, app, member, by, audit }) {
    const recovery = unit.recoveries.get(member)
    if (recovery?.tenant !== tenant) return false
    unit.recoveries.remove(member)
    const detail = { contact: recovery.contact, by, notices: 0 }
    unit.journal.append({ kind: 'recovery-stopped', tenant, app, member, verification: '', detail })
    unit.audit.add(audit)
    return true
  },
}

export const applyRecovery: Verb<[RecoveryApply], RecoveryApplyResult> = {
  needs(needs, { recovery }) {
    needContact(needs, recovery)
    needs.contactHistory(recovery.member)
  },

  decide(unit, { recovery, seen, notices, lease }) {
    const pending = unit.recoveries.get(recovery.member)
    // Another one may have been started since the caller looked.
    if (!pending || pending.startedAt !== recovery.startedAt || pending.dueAt > unit.now)
      return { kind: 'gone' }
    const member = unit.members.get(recovery.member)
    const holder = holderOf(unit, recovery)
    const obstacle = member ? obstacleTo(member, holder, seen) : 'bound'
    if (obstacle === 'stale') return { kind: 'stale' }
    unit.recoveries.remove(recovery.member)
    if (!member || obstacle || hasContact(member, recovery.address)) {
      const { tenant, app, contact } = pending
      const of = { tenant, app, member: recovery.member, verification: '' }
      unit.journal.append({
        kind: 'recovery-stopped',
        ...of,
        detail: { contact, by: obstacle ?? 'unchanged', notices: 0 },
      })
      return { kind: 'dropped' }
    }
    const change = { ...pending, verification: '', notices, cause: 'recovery' } as const
    replaceContact(unit, member, holder, change)
    return { kind: 'changed', entries: notices.map((notice) => unit.outbox.put(notice, lease)) }
  },
}

function hasContact(member: Member, address: Address): boolean {
  const present = member[address.kind]
  return present !== null && addressKey(present) === addressKey(address)
}
