/** The verification that a key's submissions and resends are about. */

import { isInTime, type StoredVerification } from '../../verification/stored-verification.ts'
import type { VerificationKey } from '../../verification/verification.ts'
import type { UnitOfWork } from '../unit-of-work.ts'

/** @returns The one that is alive. One whose time is over is marked `expired`, so that another may be issued. */
export function aliveOf(unit: UnitOfWork, key: VerificationKey): StoredVerification | undefined {
  const record = unit.verifications.live(key)
  if (!record || isInTime(record, unit.now)) return record
  unit.verifications.change(record, { state: 'expired' })
  return undefined
}
