/** Puts a former contact back, by a code that was sent to it. */

import { addressKey } from '../../address/address.ts'
import { undoneBy } from '../../directory/contact-history.ts'
import { keysOf, refundAll } from '../../throttle/open-limiters.ts'
import type { ContactUndo, ContactUndoResult } from '../contact-undo.ts'
import type { Verb } from '../unit-of-work.ts'
import { holderOf, needContact, obstacleTo, replaceContact } from './contact.ts'
import { markUsed, usableOf } from './use.ts'

export const undoContact: Verb<[ContactUndo], ContactUndoResult> = {
  needs(needs, undo) {
    needContact(needs, undo)
    needs.contactHistory(undo.member)
    needs.verification(undo.verification)
    needs.lastAccepted(undo.verification)
    needs.limiters(keysOf(undo.wrong))
  },

  decide(unit, undo) {
    const { tenant, address, windowMs, barMs, wrong, notices, lease } = undo
    const member = unit.members.get(undo.member)
    const record = usableOf(unit, undo.verification)
    if (!member || member.tenant !== tenant || member.isDisabled || !record) return { kind: 'refused' }
    const key = addressKey(address)
    const present = member[address.kind]
    const former = undoneBy(
      unit.formerContacts.of(member.id),
      (one) => addressKey(one.address) === key,
      windowMs,
      unit.now,
    )
    if (!former || (present && addressKey(present) === key)) return { kind: 'refused' }
    const holder = holderOf(unit, undo)
    const obstacle = obstacleTo(member, holder, undo.seen)
    if (obstacle) return { kind: obstacle }

    const used = markUsed(unit, record, true)
    const { contact, country } = former
    replaceContact(unit, member, holder, { ...undo, contact, country, cause: 'undo' })
    // Whoever holds a contact of a later change must not undo this in turn. That of an earlier change still may.
    unit.formerContacts.removeSince(member.id, contact, former.changedAt)
    unit.recoveries.remove(member.id)
    // Also the login that made the change, which is older than it.
    unit.tokens.endOf(member.id)
    const changed = unit.members.get(member.id)!
    const contactBarredUntil = Math.max(changed.contactBarredUntil ?? 0, unit.now + barMs)
    unit.members.put({ ...changed, contactBarredUntil })
    refundAll(unit.limiters, wrong)
    return { kind: 'changed', entries: notices.map((notice) => unit.outbox.put(notice, lease)), used }
  },
}
