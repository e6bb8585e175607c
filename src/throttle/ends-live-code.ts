/** Whose refusal of a submission ends the live verification. */

import type { Scope } from './acquire.ts'

/**
 * A refusal by the member's own limits does: with the code alive, guessing would go on when the wait is over. One by
 * what others did to the address must not, or strangers could end a code that was just sent.
 */
export function endsLiveCode(scopes: readonly Scope[]): boolean {
  return scopes.includes('member-address') || scopes.includes('member')
}
