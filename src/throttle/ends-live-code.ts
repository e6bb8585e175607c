/** Decides whose refusal of a submission ends the live verification. */

import type { Scope } from './acquire.ts'

/**
 * A refusal by the member's own limits does, because otherwise guessing could go on after the wait. A refusal because of
 * what others did to the address must not, because otherwise strangers could end a code that was just sent. Nor does it
 * end a code that took no submission yet: nobody has guessed at it, and its person waits and enters it.
 * @param submissions  Those that the verification took so far.
 */
export function endsLiveCode(scopes: readonly Scope[], submissions: number): boolean {
  return submissions > 0 && (scopes.includes('member-address') || scopes.includes('member'))
}
