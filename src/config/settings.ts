/** The settings as the program uses them: read once, checked, frozen. */

import type { AddressRules } from '../address/address.ts'
import type { ProofAlgorithm } from '../code/proof-keys.ts'
import type { Route } from '../delivery/routes.ts'
import type { AppPolicy, UndoTimes } from '../flows/policy.ts'
import type { StoreChoice } from '../store/engines.ts'
import type { PasswordLimits } from '../throttle/password-limits.ts'
import type { Window } from '../throttle/policy.ts'
import type { HttpSettings } from './providers/http.ts'
import type { CommonSettings } from './providers/kind.ts'
import type { Endpoint } from './providers/parts.ts'
import type { SandboxSettings } from './providers/sandbox.ts'
import type { SmppSettings } from './providers/smpp.ts'
import type { SmtpSettings } from './providers/smtp.ts'

export type TestAddress = {
  /** The identity of the address, see `addressKey`. */
  readonly address: string
  readonly code: string
  /** Milliseconds since the epoch. After this time the address is an ordinary one. */
  readonly until: number
}

/** A carrier's settings: those of its type, and those that every carrier has. */
export type ProviderSettings = (SandboxSettings | SmppSettings | SmtpSettings | HttpSettings) & CommonSettings

export type Settings = {
  readonly isDevelopment: boolean
  readonly dataFolder: string
  readonly https: Endpoint | null
  readonly http: Endpoint | null
  /** The URL of this server as the outside knows it, without a slash at its end; null: none is stated. */
  readonly publicUrl: string | null
  readonly tls: { readonly certificateFile: string; readonly keyFile: string } | null
  /** Proxies whose X-Forwarded-For is believed, as addresses or CIDR blocks. */
  readonly trustedProxies: readonly string[]
  /** Whether a proxy in front ends TLS. If so, plain HTTP may be served beyond loopback. */
  readonly isBehindProxy: boolean
  /** Where the operator's calls are answered; `http`: on that listener, for this machine alone. */
  /** tokenFile null: whoever may reach it may read it. */
  readonly metrics: { readonly listen: Endpoint | 'http' | null; readonly tokenFile: string | null }
  readonly admin: { readonly listen: Endpoint | 'http' | null; readonly tokenFile: string }
  readonly keyRingFile: string
  /** The text of COUNTERSIGN_KEY_RING_KEYS, which wins over the file; null: not set. */
  readonly keyRing: string | null
  readonly store: StoreChoice
  /** Processes that serve; 1: this one. */
  readonly workers: number
  /** How long a server still serves after it was asked to stop. */
  readonly drainMs: number
  /** false lifts the limits for load tests; development only. */
  readonly hasLimits: boolean
  /** Codes to one address over all tenants. */
  readonly addressCap: Window
  readonly retentionMs: number
  /** How undoing a change of a contact goes. */
  readonly undo: UndoTimes
  readonly log: {
    readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent'
    readonly requests: 'all' | 'failures' | 'none'
  }
  readonly providers: Readonly<Record<string, ProviderSettings>>
  /** A message takes the first route that fits. */
  readonly routes: readonly Route[]
  readonly templates: {
    readonly folder: string | null
    readonly signature: string
    readonly product: string
    readonly smsParts: number
  }
  /** The operator's rules for reading addresses. */
  readonly addressRules: AddressRules
  /** Hosts, addresses and networks of private networks that endpoints may be in. */
  readonly webhooks: { readonly allowPrivate: readonly string[] }
  readonly policy: AppPolicy
  /** By which proof tokens are signed. */
  readonly proofAlgorithm: ProofAlgorithm
  readonly passwordLimits: PasswordLimits
  /** Overrides by app id; those in the app's own record are applied after them. */
  readonly apps: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly testAddresses: readonly TestAddress[]
}
