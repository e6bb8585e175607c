/** The unit of work of the embedded engine: rows are read on demand and written at once, within its one transaction. */

import type { DatabaseSync } from 'node:sqlite'
import type { UnitOfWork } from '../unit-of-work.ts'
import { openApps } from './apps.ts'
import { openAudit } from './audit.ts'
import { openFormerContacts, openRecoveries } from './contact-history.ts'
import { openDepartments, openTenants } from './departments.ts'
import { openDispatches } from './dispatches.ts'
import { openEvents } from './events.ts'
import { openJournal } from './journal.ts'
import { sqliteLimiters } from './limiters.ts'
import { openMembers, openTokens } from './members.ts'
import { openNewEntries } from './new-entries.ts'
import { openOutbox } from './outbox.ts'
import { openOnces, openProofs, openRepeats, openVerifications } from './verifications.ts'

/** @param wallNow  The clock that ids are made by. */
export function openUnit(db: DatabaseSync, wallNow: () => number) {
  let now = 0
  const unitNow = () => now
  const limiters = sqliteLimiters(db)
  const dispatches = openDispatches(db)
  const newEntries = openNewEntries(db, wallNow)
  const { events, setReaders, hasReaders } = openEvents(db, unitNow, wallNow)
  const unit: UnitOfWork = {
    get now() {
      return now
    },
    limiters,
    verifications: openVerifications(db),
    proofs: openProofs(db, unitNow),
    repeats: openRepeats(db, unitNow),
    onces: openOnces(db, unitNow),
    members: openMembers(db, unitNow),
    formerContacts: openFormerContacts(db),
    recoveries: openRecoveries(db),
    departments: openDepartments(db),
    tenants: openTenants(db),
    apps: openApps(db, unitNow),
    tokens: openTokens(db),
    outbox: openOutbox(db, unitNow, dispatches, newEntries),
    dispatches,
    journal: openJournal(db, unitNow),
    audit: openAudit(db, unitNow),
    events,
  }
  return {
    unit,
    newEntries,
    setReaders,
    hasReaders,
    reloadLimiters: () => limiters.reload(),
    /** @param time  Engine time for all work until `flush`. */
    begin(time: number): void {
      now = time
      limiters.begin(time)
    },
    flush(): void {
      limiters.flush(now)
      newEntries.flush(now)
    },
    committed(): void {
      limiters.committed()
      newEntries.committed()
    },
    discard(): void {
      limiters.discard()
      newEntries.discard()
    },
  }
}
