/** Stores a contact whose code was right, in one step. */

import { keysOf, refundAll } from '../../throttle/open-limiters.ts'
import type { ContactChange, ContactChangeResult } from '../directory.ts'
import type { Verb } from '../unit-of-work.ts'
import { holderOf, needContact, obstacleTo, replaceContact } from './contact.ts'
import { markUsed, usableOf } from './use.ts'

export const changeContact: Verb<[ContactChange], ContactChangeResult> = {
  needs(needs, change) {
    const { member, verification, provedBy, wrong } = change
    needContact(needs, change)
    needs.verification(verification)
    needs.lastAccepted(verification)
    if (provedBy !== null) needs.proof(member, provedBy)
    needs.limiters(keysOf(wrong))
  },

  decide(unit, change) {
    const { verification, provedBy, address, wrong, repeat, notices, lease } = change
    const member = unit.members.get(change.member)
    const record = usableOf(unit, verification)
    if (!member || member.isDisabled || !record) return { kind: 'refused' }
    const holder = holderOf(unit, change)
    const obstacle = obstacleTo(member, holder, change.seen)
    if (obstacle) return { kind: obstacle }
    const barredForMs = (member.contactBarredUntil ?? 0) - unit.now
    if (barredForMs > 0) return { kind: 'barred', retryAfterMs: barredForMs }
    if (provedBy !== null && !unit.proofs.has(member.id, provedBy)) return { kind: 'unproven' }

    const used = markUsed(unit, record, true)
    replaceContact(unit, member, holder, { ...change, contact: address.kind, cause: 'code' })
    refundAll(unit.limiters, wrong)
    if (repeat !== undefined) unit.repeats.put(repeat, record.expiresAt)
    return { kind: 'changed', entries: notices.map((notice) => unit.outbox.put(notice, lease)), used }
  },
}
