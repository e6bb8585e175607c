/** The operator's acts in the audit: who runs the command, and one id for each run. */

import { randomUUID } from 'node:crypto'
import { userInfo } from 'node:os'
import type { KeyRing } from '../code/key-ring.ts'
import { auditEntry } from '../flows/audit.ts'
import type { NewAuditEntry } from '../store/audit.ts'

/** Makes the entry of an act that the command gives to the store with it. */
export type ByOperator = (
  act: string,
  tenant: string,
  target: string,
  details?: NewAuditEntry['details'],
) => NewAuditEntry

export function byOperator(ring: KeyRing): ByOperator {
  const requestId = randomUUID().replaceAll('-', '')
  const actor = { kind: 'operator', id: systemUser() } as const
  return (act, tenant, target, details = {}) =>
    auditEntry(ring, { actor, act, tenant, target, requestId, details })
}

function systemUser(): string {
  try {
    return userInfo().username
  } catch {
    return 'unnamed' // a container's user without an entry in its list of users
  }
}
