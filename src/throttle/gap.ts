/** How long gaps between messages make the next one wait. Pure. */

import type { Limit } from './acquire.ts'
import { type LimiterState, waitMs } from './limiter-state.ts'

/** @param stateOf  The state of the limiter of a limit, by its key and place. @returns Milliseconds; 0: it is allowed now. */
export function gapMsOf(
  limits: readonly Limit[],
  stateOf: (key: string, nth: number) => LimiterState | undefined,
  now: number,
): number {
  let longest = 0
  for (let i = 0; i < limits.length; i++) {
    const { rules, key } = limits[i]!
    for (const rule of rules)
      if (rule.kind === 'gaps') longest = Math.max(longest, waitMs(stateOf(key, i) ?? [], rule, now, 0))
  }
  return longest
}
