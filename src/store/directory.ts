/** The contract for tenants, apps, members and tokens, and the one step that changes a contact. */

import type { Address } from '../address/address.ts'
import type { App, Member, Profile, Session, Tenant, Token, TokenKind } from '../directory/directory.ts'
import type { Taking } from '../throttle/take.ts'
import type { Lease, NewMessage, OutboxEntry } from './outbox.ts'
import type { Used } from './verifications.ts'

export type ImportOutcome =
  | { readonly kind: 'added' | 'updated' | 'unchanged' }
  | { readonly kind: 'refused'; readonly reason: 'phone-bound' | 'email-bound' | 'account-taken' }

export type ContactChange = {
  readonly tenant: string
  readonly app: string
  readonly member: string
  /** The right, unused verification of the new contact, used up by the change. */
  readonly verification: string
  /** The takings to give back, as the submission told them. */
  readonly wrong: readonly Taking[]
  readonly address: Address
  readonly country: string | null
  /** The contacts that the caller decided on. If they are no longer so, the change is `stale`. */
  readonly seen: { readonly phone: Address | null; readonly email: Address | null }
  /** Demand, and use up, a proof of a present contact. */
  readonly needsProof: boolean
  readonly notices: readonly NewMessage[]
  readonly lease: Lease
  readonly repeat?: string
}

export type ContactChangeResult =
  | { readonly kind: 'changed'; readonly entries: readonly OutboxEntry[]; readonly used: Used }
  /** The verification was used, expired or killed in the meantime. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'unproven' }
  | { readonly kind: 'bound' }
  | { readonly kind: 'stale' }

export type Login = { readonly access: Token; readonly refresh: Token; readonly mostLogins: number }

export type Directory = {
  addTenant(tenant: Tenant): Promise<boolean>
  tenants(): Promise<readonly Tenant[]>
  tenant(id: string): Promise<Tenant | undefined>

  /** @returns false if the id is taken. */
  addApp(app: App): Promise<boolean>
  app(id: string): Promise<App | undefined>
  apps(tenant?: string): Promise<readonly App[]>
  updateApp(
    id: string,
    change: Partial<Pick<App, 'sealedKey' | 'isDisabled' | 'policy' | 'name'>>,
  ): Promise<boolean>

  /** Adds, or brings up to date what an earlier import added, each on its own merits; all in one step. */
  putMembers(members: readonly Member[]): Promise<readonly ImportOutcome[]>
  member(id: string): Promise<Member | undefined>
  memberByAccount(tenant: string, account: string): Promise<Member | undefined>
  /** The member who may log in with a password under this account, over all tenants. */
  memberByLogin(account: string): Promise<Member | undefined>
  defaultAdministrator(tenant: string): Promise<Member | undefined>
  members(tenant: string, page: { readonly after: string; readonly most: number }): Promise<readonly Member[]>
  updateProfile(id: string, profile: Profile): Promise<boolean>
  /** Ends the member's logins too. */
  disableMember(id: string, isDisabled: boolean): Promise<boolean>
  setPassword(id: string, passwordHash: string): Promise<boolean>

  /** Stores both tokens and evicts the oldest logins beyond the most allowed. */
  logIn(login: Login): Promise<void>
  /** Replaces the login of a live token by a new one. @returns false if that token is gone. */
  refresh(oldHash: string, login: Login): Promise<boolean>
  /** Ends the login of a token. @returns false if there was none. */
  logOut(hash: string): Promise<boolean>
  /** What a live token stands for; undefined if unknown, expired or logged out. */
  session(hash: string, kinds: readonly TokenKind[]): Promise<Session | undefined>

  changeContact(change: ContactChange): Promise<ContactChangeResult>
}
