/** Decides whose refusal of a submission ends the live verification. */

import type { Scope } from './acquire.ts'

/**
 * A refusal by the member's own limits does, because otherwise guessing could go on after the wait. A refusal because of
 * what others did to the address must not, because otherwise strangers could end a code that was just sent.
 */
export function endsLiveCode(scopes: readonly Scope[]): boolean {
  return scopes.includes('member-address') || scopes.includes('member')
}
