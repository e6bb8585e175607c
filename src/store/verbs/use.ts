/** Uses a verification whose code was right: of any number of callers, one uses it up. */

import { keysOf, refundAll } from '../../throttle/open-limiters.ts'
import { isUsable, type StoredVerification } from '../../verification/stored-verification.ts'
import type { UnitOfWork, Verb } from '../unit-of-work.ts'
import type { Used, UseRequest } from '../verifications.ts'
import { once } from './once.ts'
import { tellUsed } from './tell.ts'

const useAlways: Verb<[UseRequest], Used | undefined> = {
  needs(needs, { id, wrong }) {
    needs.verification(id)
    needs.lastAccepted(id)
    needs.limiters(keysOf(wrong))
  },

  decide(unit, { id, wrong, consumes, proof, repeat }) {
    const record = usableOf(unit, id)
    if (!record) return undefined
    refundAll(unit.limiters, wrong)
    if (proof) {
      const { login, lastsMs } = proof
      unit.proofs.put({ member: record.subject, login, expiresAt: unit.now + lastsMs })
    }
    if (repeat !== undefined) unit.repeats.put(repeat, record.expiresAt)
    return markUsed(unit, record, consumes)
  },
}

export const use = once(useAlways, (used) => used, undefined)

/** @returns The verification that a counted submission may still use. */
export function usableOf(unit: UnitOfWork, id: string): StoredVerification | undefined {
  const record = unit.verifications.get(id)
  return record && isUsable(record, unit.now) ? record : undefined
}

/** Records when the code was first entered right. @param consumes  Whether that uses it up. */
export function markUsed(unit: UnitOfWork, record: StoredVerification, consumes: boolean): Used {
  const { now, verifications, dispatches } = unit
  const isFirst = record.usedAt === null
  if (isFirst || consumes)
    verifications.change(record, {
      ...(consumes && { state: 'used' as const }),
      ...(isFirst && { usedAt: now }),
    })
  const broughtBy = dispatches.lastAccepted(record.id)
  if (consumes) tellUsed(unit, record, broughtBy)
  return { isFirst, issuedAt: record.issuedAt, usedAt: now, broughtBy }
}
