/** Gives claimed messages back untried: their claims do not count. */

import { released } from '../../message/stored-entry.ts'
import type { EntryKey } from '../outbox.ts'
import type { Verb } from '../unit-of-work.ts'

export const postpone: Verb<[readonly EntryKey[], number], void> = {
  needs(needs, keys) {
    for (const key of keys) needs.entry(key)
  },

  decide({ outbox, now }, keys, afterMs) {
    for (const key of keys) {
      const entry = outbox.get(key)
      if (entry) outbox.change(key, { ...released(entry, now + afterMs), claims: entry.claims - 1 })
    }
  },
}
