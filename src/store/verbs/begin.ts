/** Marks claimed messages as being handed over, before they are. */

import type { Begun } from '../outbox.ts'
import type { Verb } from '../unit-of-work.ts'

export const begin: Verb<[readonly Begun[]], readonly boolean[]> = {
  needs(needs, marks) {
    for (const mark of marks) needs.entry(mark)
  },

  decide: ({ outbox }, marks) =>
    marks.map((mark) => {
      const entry = outbox.get(mark)
      if (entry?.claims !== mark.nth) return false
      outbox.change(mark, { ...entry, begun: mark.provider })
      return true
    }),
}
