/** The contract for tenants, apps, members and tokens, and the one step that changes a contact. */

import type { Address } from '../address/address.ts'
import type { Department } from '../directory/department.ts'
import type {
  App,
  LoginLimits,
  Member,
  NewApp,
  Profile,
  Session,
  Tenant,
  Token,
  TokenKind,
} from '../directory/directory.ts'
import type { NewMessage } from '../message/message.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { Hit } from '../throttle/acquire.ts'
import type { Administration, MemberClash } from './administration.ts'
import type { NewAuditEntry } from './audit.ts'
import type { ContactUndoing } from './contact-undo.ts'
import type { FoundMembers, MemberQuery } from './member-search.ts'
import type { Lease } from './outbox.ts'
import type { Used } from './verifications.ts'

export type NewTenant = Pick<Tenant, 'id' | 'name' | 'accountApp'> & Partial<Tenant>

export type AppChange = Partial<Pick<App, 'isDisabled' | 'policy' | 'name' | 'description'>> & {
  /** The key before serves on for the overlap, ms; the one before that ends now. */
  readonly newKey?: { readonly sealed: string; readonly overlapMs: number }
}

export type ImportOutcome =
  | { readonly kind: 'added' | 'updated' | 'unchanged' }
  | { readonly kind: 'refused'; readonly reason: MemberClash }

export type ContactChange = {
  readonly tenant: string
  readonly app: string
  readonly member: string
  /** The verification of the new contact, which was entered right. The change uses it up. */
  readonly verification: string
  /** The hits to refund, from the result of the submission. */
  readonly wrong: readonly Hit[]
  readonly address: Address
  readonly country: string | null
  /** The contacts on which the caller decided. If they have changed since, the result is `stale`. */
  readonly seen: { readonly phone: Address | null; readonly email: Address | null }
  /**
   * The login that must have proved a present contact; null: no proof is needed. The change ends the proofs of all logins
   * of the member, because they were about the contacts before it.
   */
  readonly provedBy: string | null
  readonly notices: readonly NewMessage[]
  readonly lease: Lease
  readonly repeat?: string
}

/** If there are several reasons for a refusal, every engine returns the first in this order. */
export type ContactChangeResult =
  | { readonly kind: 'changed'; readonly entries: readonly OutboxEntry[]; readonly used: Used }
  /** The verification was used, expired or killed in the meantime, or the member is disabled. */
  | { readonly kind: 'refused' }
  | { readonly kind: 'stale' }
  /** A member who is not disabled has the address. */
  | { readonly kind: 'bound' }
  | { readonly kind: 'unproven' }
  /** A change was undone, so that no other is made for a time. */
  | { readonly kind: 'barred'; readonly retryAfterMs: number }

/** A contact that the operator sets or clears, without a code. */
export type ContactSetting = {
  readonly tenant: string
  /** The app that the notices are sent for. */
  readonly app: string
  /** The member, who may be disabled. */
  readonly member: string
  readonly contact: Address['kind']
  /** null: the contact is removed. */
  readonly address: Address | null
  /** The former contacts of this kind are somebody else's by now, who must not undo a change. */
  readonly isGivenAway?: boolean
  /** The wire's country key of a phone. */
  readonly country: string | null
  /** As in `ContactChange`. */
  readonly seen: ContactChange['seen']
  readonly notices: readonly NewMessage[]
  readonly lease: Lease
  readonly audit?: NewAuditEntry
}

export type ContactSettingResult =
  | { readonly kind: 'changed'; readonly entries: readonly OutboxEntry[] }
  /** There is no such member. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'bound' }

export type Login = {
  readonly access: Token
  readonly refresh: Token
  readonly limits: LoginLimits
  /** The hash of the password that the member gave; absent: the member was recognised otherwise. */
  readonly passwordHash?: string
}

export type RefreshResult =
  | { readonly kind: 'refreshed' }
  /** Unknown, expired, ended, or of a login that was refreshed too often. */
  | { readonly kind: 'gone' }
  /** A refresh token that was used before. Somebody else may have it, so the whole login has ended. */
  | { readonly kind: 'reused' }

type Acts = Administration & ContactUndoing

export type Directory = Acts & {
  /** @returns false if the id is taken. */
  addTenant(tenant: NewTenant, audit?: NewAuditEntry): Promise<boolean>
  tenants(): Promise<readonly Tenant[]>
  tenant(id: string): Promise<Tenant | undefined>

  /** @returns false if the id is taken. */
  addApp(app: NewApp, audit?: NewAuditEntry): Promise<boolean>
  /** undefined also for a deleted one. */
  app(id: string): Promise<App | undefined>
  apps(tenant?: string): Promise<readonly App[]>
  /** @returns The app as it is now; undefined if there is none. */
  updateApp(id: string, change: AppChange, audit?: NewAuditEntry): Promise<App | undefined>
  /**
   * Deletes an app: its tokens stand for nobody from then on, its API keys are revoked and its endpoints disabled. The
   * record stays without its keys, so that the history can name it and the id is never given again.
   * @returns false if there is none.
   */
  deleteApp(id: string, audit?: NewAuditEntry): Promise<boolean>

  /** Adds or updates members, each independently of the others; all in one step. */
  putMembers(members: readonly Member[], audit?: readonly NewAuditEntry[]): Promise<readonly ImportOutcome[]>
  member(id: string): Promise<Member | undefined>
  memberByAccount(tenant: string, account: string): Promise<Member | undefined>
  /** The member that an App ID login means: by its third account, otherwise by its account. */
  memberByUserId(tenant: string, userId: string): Promise<Member | undefined>
  memberByAddress(tenant: string, address: Address): Promise<Member | undefined>
  /** Those of a tenant who have one of the names; in no order, and without those who do not exist. */
  membersNamed(
    tenant: string,
    by: 'id' | 'account' | 'thirdAccount',
    names: readonly string[],
  ): Promise<readonly Member[]>
  /** The member who may log in with a password under this account, over all tenants. */
  memberByLogin(account: string): Promise<Member | undefined>
  /** Members with a password who have the address, over all tenants; at most two, because more say no more. */
  membersWithPassword(address: Address): Promise<readonly Member[]>
  defaultAdministrator(tenant: string): Promise<Member | undefined>
  members(tenant: string, page: { readonly after: string; readonly most: number }): Promise<readonly Member[]>
  /** A page of those found, with their count: 100,000 members take some 20 ms. */
  searchMembers(query: MemberQuery): Promise<FoundMembers>
  updateProfile(id: string, profile: Profile): Promise<boolean>
  /** Logins of a disabled member are kept, so that their calls get the reason of the refusal. Enabling the member ends them. */
  disableMember(id: string, isDisabled: boolean, audit?: NewAuditEntry): Promise<boolean>

  /**
   * The departments with these codes, and all above them. The root is among them only if it has a record; see `rootOf`.
   */
  departments(tenant: string, codes: readonly string[]): Promise<readonly Department[]>
  /** The children of these departments, in the order of lists. */
  departmentsBelow(tenant: string, parents: readonly string[]): Promise<readonly Department[]>
  /** In the order of their paths. */
  allDepartments(tenant: string): Promise<readonly Department[]>

  /**
   * Stores both tokens and evicts the oldest logins and tokens beyond the most allowed.
   * @returns false if the password has changed since: its change ended all logins, and this one must not outlive it.
   */
  logIn(login: Login): Promise<boolean>
  /**
   * Gives the login of a live token a new pair. Its access tokens stay live. A refresh token is spent: of any number of
   * uses exactly one gets a pair, and each other one ends the login.
   * @param pair  Of the same login.
   */
  refresh(hash: string, pair: Login): Promise<RefreshResult>
  /** Ends the login of a token, with all of its tokens. @returns false if there was none. */
  logOut(hash: string): Promise<boolean>
  /** Ends logins of an app, a limited number in each call. @returns The number of ended tokens; 0: there are no more. */
  endLoginsOf(app: string): Promise<number>
  /** The session of a live token; undefined if it is unknown, expired or logged out. Its member may be disabled. */
  session(hash: string, kinds: readonly TokenKind[]): Promise<Session | undefined>

  /**
   * Stores a contact whose code was right, and ends the member's other live codes. A disabled member who has the address
   * loses it in the same step, because otherwise a number with a new owner could never be used again.
   */
  changeContact(change: ContactChange): Promise<ContactChangeResult>
  /** Sets or clears a contact for the operator. */
  setContact(setting: ContactSetting): Promise<ContactSettingResult>
}
