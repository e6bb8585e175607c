/** The policy of an app, by which flows decide: what it may do, and how its codes are made. */

import type { Locale } from '../delivery/template-values.ts'
import { formerContactsKeptMs } from '../directory/contact-history.ts'
import type { Destination } from '../message/destination.ts'
import type { LimitPolicy } from '../throttle/policy.ts'
import type { PlanStep } from '../verification/details.ts'

/** The calls an app may be allowed; the names are those of the settings. */
export const apiCalls = [
  'log-in',
  'send',
  'verify',
  'update-contact',
  'show-member',
  'update-member',
  'read-members',
  'manage-members',
  'manage-administrators',
  'manage-corp',
  'manage-apps',
  'passwords',
] as const
export type ApiCall = (typeof apiCalls)[number]

/** How the proof tokens of verifications are made, see `createProofTokens`. */
export type ProofTokenPolicy = {
  /** plain: with the address · hashed: with a hash of it · none: no token is made. */
  readonly form: 'plain' | 'hashed' | 'none'
  /** At most `maxProofTokenLifetimeMs`. */
  readonly lifetimeMs: number
}

export const maxProofTokenLifetimeMs = 86_400_000

/** A step of a plan for a number. */
export type NumberStep = PlanStep & { readonly channel: 'sms' | 'voice' }

export type AppPolicy = {
  /** 6 to 10. Profile `strict` is 8. */
  readonly digits: number
  /** Life of a code by channel, and of one for a forgotten password, ms; at most `maxLifetimeMs`. */
  readonly lifetimeMs: { readonly sms: number; readonly email: number; readonly reset: number }
  /** Submissions of a code, right or wrong, after which it is dead. */
  readonly maxSubmissions: number
  readonly limits: LimitPolicy
  /** Whether a present contact must be proved before a contact is changed. */
  readonly needsProof: boolean
  /** Whether an App ID login with a used nonce is refused. */
  readonly refusesRepeatedNonce: boolean
  /** How long App ID logins may still be signed with an app's key after it was reset, ms; 0: not at all. */
  readonly keyOverlapMs: number
  /** Whether App ID logins may be signed for longer than seven days, or for ever. */
  readonly allowsLongSignatures: boolean
  /** Addresses and networks of the app's servers. `X-Client-IP` is believed in calls from there only. */
  readonly tellsClientIp: readonly string[]
  /** ISO regions that codes may be sent to by SMS; null: all. */
  readonly regions: readonly string[] | null
  readonly calls: readonly ApiCall[]
  readonly proofToken: ProofTokenPolicy
  /** The steps of a start to a number that names neither channel nor plan; empty: one SMS. */
  readonly plan: readonly NumberStep[]
  /** The language of messages where a start names none that there is; null: by the region of a number. */
  readonly locale: Locale | null
  /** Hosts that the last line of an SMS may bind its code to. */
  readonly origins: readonly string[]
  /** Hashes of Android apps, likewise. */
  readonly appHashes: readonly string[]
  readonly pages: {
    /** Where the hosted page may send people back to, see `isListedReturn`. */
    readonly returnUrls: readonly string[]
    /** Origins whose pages may show it in a frame. */
    readonly frameAncestors: readonly string[]
  }
}

/** Whether codes may go to a destination: the regions of a policy bound numbers, and no mailboxes. */
export function allowsDestination(
  { regions }: Pick<AppPolicy, 'regions'>,
  { channel, region }: Pick<Destination, 'channel' | 'region'>,
): boolean {
  return channel === 'email' || regions === null || regions.includes(region)
}

/** How long a proved contact allows a change. */
export const proofMs = 600_000

/** How undoing goes, see docs/config.md. */
export type UndoTimes = {
  /** How long a change may be undone. */
  readonly windowMs: number
  /** How long no contact may be changed after an undo. */
  readonly barMs: number
  /** How long a recovery waits. */
  readonly recoveryWaitMs: number
}

/** The longest of them: former contacts are kept no longer. */
export const maxUndoMs = formerContactsKeptMs
