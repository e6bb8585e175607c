/** What an app may do and how its codes are made: the settings a flow decides by. */

import type { LimitPolicy } from '../throttle/policy.ts'

/** The calls an app may be allowed; the names are those of the settings. */
export const apiCalls = [
  'log-in',
  'send',
  'verify',
  'update-contact',
  'show-member',
  'update-member',
] as const
export type ApiCall = (typeof apiCalls)[number]

export type AppPolicy = {
  /** 6 to 10. Profile `strict` is 8. */
  readonly digits: number
  /** Life of a code by channel, ms; at most `longestLifetimeMs`. */
  readonly lifetimeMs: { readonly sms: number; readonly email: number }
  /** Wrong or right, then the code is dead. */
  readonly maxSubmissions: number
  readonly limits: LimitPolicy
  /** Before a contact is changed, a present one must be proved. */
  readonly needsProof: boolean
  /** App ID logins: refuse a nonce that was used before. */
  readonly refusesRepeatedNonce: boolean
  /** App ID logins: take signatures that live longer than seven days, or for ever. */
  readonly allowsLongSignatures: boolean
  /** Addresses and networks of the app's servers: from there it is believed in `X-Client-IP`. None: from nowhere. */
  readonly tellsClientIp: readonly string[]
  /** ISO regions that codes may be sent to by SMS; null: all. */
  readonly regions: readonly string[] | null
  readonly calls: readonly ApiCall[]
}

/** How long a proved contact allows a change. */
export const proofMs = 600_000
