/** Entries of the audit, for those who act: made under the newest key of the ring. */

import type { KeyRing } from '../code/key-ring.ts'
import type { AuditKey, NewAuditEntry } from '../store/audit.ts'

/** @returns What the store writes with the act, or not at all. Details never hold a name, an address or a secret. */
export function auditEntry(ring: KeyRing, entry: Omit<NewAuditEntry, 'under'>): NewAuditEntry {
  return { ...entry, under: keyOf(ring) }
}

const keys = new WeakMap<object, AuditKey>()

/** Derived once for each ring key. */
function keyOf({ newest }: KeyRing): AuditKey {
  const known = keys.get(newest)
  if (known) return known
  const key = { id: newest.id, secret: newest.auditSecret() }
  keys.set(newest, key)
  return key
}
