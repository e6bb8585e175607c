/** Reads the limiters of issues and submissions without a hit. */

import type { Verb } from '../unit-of-work.ts'
import type { SeenLimiters } from '../verifications.ts'

export const look: Verb<[readonly string[]], SeenLimiters> = {
  needs: (needs, keys) => needs.limiters(keys),
  decide: ({ now, limiters }, keys) => ({ now, states: keys.map((key) => limiters.read(key) ?? []) }),
}
