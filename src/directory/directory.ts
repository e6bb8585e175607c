/** Tenants, their apps and members, and the tokens that logins give them. */

import type { Address } from '../address/address.ts'

/** An enterprise; the wire's "corp". */
export type Tenant = {
  readonly id: string
  readonly name: string
  /** The app that account logins count as, because such a login names no app. */
  readonly accountApp: string
  /** Its postal address; the wire's `address`. */
  readonly address: string
  /** Whether the first App ID login of an unknown person creates a member. */
  readonly autoUserCreate: boolean
}

export const tenantDefaults = { address: '', autoUserCreate: true } as const

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
  readonly description: string
  /** The key before the last reset, sealed alike: App ID logins may be signed with it for a time. */
  readonly previousKey: { readonly sealed: string; readonly until: number } | null
  readonly createdAt: number
  readonly updatedAt: number
}

/** An app to be added. */
export type NewApp = Omit<App, 'description' | 'previousKey' | 'updatedAt'> &
  Partial<Pick<App, 'description'>>

/** default: the administrator that an App ID login without a userId acts as. */
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
  /** Unique within the tenant; the wire's `userAccount`. */
  readonly account: string
  /** The id in another system, by which App ID logins find the member first; unique within the tenant. */
  readonly thirdAccount: string | null
  /** argon2id; null: no account login. */
  readonly passwordHash: string | null
  readonly role: AdminRole
  readonly isDisabled: boolean
  readonly profile: Profile
  readonly deptCode: string
  readonly phone: Address | null
  /** The wire's country key, as in the call that stored the number. */
  readonly phoneCountry: string | null
  readonly email: Address | null
  /** 1 to 10000: the place in lists, the lowest first. */
  readonly sortLevel: number
  /** Whether other members see no phone. */
  readonly hidesPhone: boolean
  /** The password is temporary: it must be changed before anything else. */
  readonly mustChangePassword: boolean
  /** Before this time no contact may be changed, because a change was just undone; null: none is barred. */
  readonly contactBarredUntil: number | null
  readonly createdAt: number
}

export const memberDefaults = {
  thirdAccount: null,
  sortLevel: 10_000,
  hidesPhone: false,
  mustChangePassword: false,
  contactBarredUntil: null,
} as const

/** A deleted member, kept until all else about it is erased. */
export type FormerMember = {
  readonly id: string
  readonly tenant: string
  readonly account: string
  /** Those it had when it was deleted, and those of before that could still be put back. */
  readonly contacts: readonly Address[]
  readonly deletedAt: number
}

/** spent: a refresh token that was used. It is kept until its expiry, so that a second use is recognised. */
export type TokenKind = 'access' | 'refresh' | 'spent'

/** A token as the store keeps it: its SHA-256, never the token itself. */
export type Token = {
  /** Base64url SHA-256 of the token. */
  readonly hash: string
  readonly kind: TokenKind
  /** The same for all tokens of one login, also for those that a refresh made. */
  readonly login: string
  readonly tenant: string
  readonly app: string
  readonly member: string
  readonly clientType: number
  readonly createdAt: number
  readonly expiresAt: number
}

/** The member, app and tenant that a live access token stands for. */
export type Session = {
  readonly token: Token
  readonly tenant: Tenant
  readonly app: App
  readonly member: Member
}

/** How many logins and tokens may exist at once. */
export type LoginLimits = {
  /** Live logins of a member and client type. One more evicts the oldest. */
  readonly logins: number
  /**
   * Live access tokens of a member and client type, and refresh tokens of a login. One more evicts the oldest token of
   * the login that has most, so that a login that refreshes often evicts no token of another.
   */
  readonly tokens: number
  /** Unexpired refresh tokens that a login has spent. One more refresh is refused, because each spent token must be kept. */
  readonly spent: number
}

/** API clients (wire: clientType 72) hold many logins, others one. */
const apiClientType = 72

export function loginLimits(clientType: number): LoginLimits {
  return { logins: clientType === apiClientType ? 64 : 1, tokens: 64, spent: 1000 }
}
