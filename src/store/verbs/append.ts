/** Adds an entry to the journal. */

import type { JournalEntry } from '../journal.ts'
import type { Verb } from '../unit-of-work.ts'

export const append: Verb<[Omit<JournalEntry, 'at'>], void> = {
  needs: () => undefined,
  decide: ({ journal }, entry) => journal.append(entry),
}
