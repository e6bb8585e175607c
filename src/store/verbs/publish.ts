/** Adds events that are no part of another act. */

import type { NewEvent } from '../events.ts'
import type { Verb } from '../unit-of-work.ts'

export const publish: Verb<[readonly NewEvent[]], void> = {
  needs: () => undefined,
  decide({ events }, added) {
    for (const event of added) if (events.areRead(event.app)) events.add(event)
  },
}
