/** Who there is: tenants, their apps and members, and the tokens they log in for. */

import type { Address } from '../address/address.ts'

/** An enterprise; the wire's "corp". */
export type Tenant = {
  readonly id: string
  readonly name: string
  /** The app that account logins count as; they name none of their own. */
  readonly accountApp: string
}

/** A calling program. */
export type App = {
  readonly id: string
  readonly tenant: string
  readonly name: string
  /** The app key sealed under the key ring with context `app:ID`. */
  readonly sealedKey: string
  /** May log in for members of every tenant of the installation (wire: service provider). */
  readonly isServiceProvider: boolean
  readonly isDisabled: boolean
  /** Overrides of the installation's policy, checked when they were set. */
  readonly policy: Readonly<Record<string, unknown>>
  readonly createdAt: number
}

/** default: the one an App ID login without a userId acts as. */
export type AdminRole = 'default' | 'admin' | 'none'

export type Profile = {
  readonly name: string
  readonly englishName: string
  readonly signature: string
  readonly title: string
  readonly description: string
}

/** A person of a tenant, with at most one phone and one e-mail. */
export type Member = {
  readonly id: string
  readonly tenant: string
  /** Unique within the tenant; the wire's `userAccount` and `userId`. */
  readonly account: string
  /** argon2id; null: no account login. */
  readonly passwordHash: string | null
  readonly role: AdminRole
  readonly isDisabled: boolean
  readonly profile: Profile
  readonly deptCode: string
  readonly phone: Address | null
  /** The wire's country key, as the member gave it. */
  readonly phoneCountry: string | null
  readonly email: Address | null
  readonly createdAt: number
}

export type TokenKind = 'access' | 'refresh'

/** A token as kept: its SHA-256, never itself. */
export type Token = {
  /** Base64url SHA-256 of the token. */
  readonly hash: string
  readonly kind: TokenKind
  /** Common to the access and the refresh token of one login. */
  readonly login: string
  readonly tenant: string
  readonly app: string
  readonly member: string
  readonly clientType: number
  readonly createdAt: number
  readonly expiresAt: number
}

/** What a token stands for, whole. */
export type Session = {
  readonly token: Token
  readonly tenant: Tenant
  readonly app: App
  readonly member: Member
}

/** API clients (wire: clientType 72) may hold this many live logins; the next one evicts the oldest. */
export const apiClientType = 72
export const mostLoginsOfApiClient = 64

/** How many logins of a client type a member may hold at once. */
export function mostLogins(clientType: number): number {
  return clientType === apiClientType ? mostLoginsOfApiClient : 1
}
