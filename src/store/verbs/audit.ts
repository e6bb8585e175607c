/** Adds an entry to the audit, of an act that changes nothing else in the store. */

import type { NewAuditEntry } from '../audit.ts'
import type { Verb } from '../unit-of-work.ts'

export const appendAudit: Verb<[NewAuditEntry], void> = {
  needs: (needs, entry) => needs.audit(entry),
  decide: ({ audit }, entry) => audit.add(entry),
}
