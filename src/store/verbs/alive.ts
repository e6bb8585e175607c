/** Finds the verification that an act on a key, or on an id, is about. */

import {
  hasSubmissionLeft,
  isInTime,
  type StoredVerification,
} from '../../verification/stored-verification.ts'
import type { VerificationKey } from '../../verification/verification.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import { tellExpired, tellSpent } from './tell.ts'

/** @returns The live verification. One whose time is over is marked `expired`, so that another may be issued. */
export function aliveOf(unit: UnitOfWork, key: VerificationKey): StoredVerification | undefined {
  return inTime(unit, unit.verifications.live(key))
}

/** The same of a verification that is known by its id. */
export function aliveById(unit: UnitOfWork, id: string): StoredVerification | undefined {
  const record = unit.verifications.get(id)
  return record?.state === 'live' ? inTime(unit, record) : undefined
}

/**
 * Of a live verification, for an act that sends its code: nobody could enter the code of one without a submission left, so
 * that one ends as spent. Submissions that were counted before may still use it.
 */
export function enterable(
  unit: UnitOfWork,
  record: StoredVerification | undefined,
  maxSubmissions: number,
): StoredVerification | undefined {
  if (!record || hasSubmissionLeft(record, maxSubmissions)) return record
  unit.verifications.change(record, { state: 'spent' })
  tellSpent(unit, record)
  return undefined
}

function inTime(unit: UnitOfWork, record: StoredVerification | undefined): StoredVerification | undefined {
  if (!record || isInTime(record, unit.now)) return record
  unit.verifications.change(record, { state: 'expired' })
  tellExpired(unit, record)
  return undefined
}
