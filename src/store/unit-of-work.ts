/** The contract between verbs and engines with tables: the domain's records that one atomic step reads and writes. */

import type { Address } from '../address/address.ts'
import type { FormerContact, Recovery } from '../directory/contact-history.ts'
import type { Department } from '../directory/department.ts'
import type { App, Member, NewApp, Tenant } from '../directory/directory.ts'
import type { NewMessage } from '../message/message.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { StoredEntry } from '../message/stored-entry.ts'
import type { OpenLimiters } from '../throttle/open-limiters.ts'
import type { StoredVerification, VerificationChange } from '../verification/stored-verification.ts'
import type { Verification, VerificationKey } from '../verification/verification.ts'
import type { NewAuditEntry } from './audit.ts'
import type { ProviderReceipt } from './dispatches.ts'
import type { NewEvent } from './events.ts'
import type { JournalEntry } from './journal.ts'
import type { KeptCall, Once } from './once.ts'
import type { EntryKey, Lease } from './outbox.ts'
import type { StoredDispatch } from './stored-dispatch.ts'
import type { Used } from './verifications.ts'

/** One act of the store, decided in the same way in every engine with tables. */
export type Verb<Args extends readonly unknown[], Result> = {
  /** Names all records that `decide` may read. PostgreSQL reads and locks them at once, for all calls of a turn. */
  needs(needs: Needs, ...args: Args): void
  /** Pure apart from the unit. Synchronous, so that nothing can happen in between. */
  decide(unit: UnitOfWork, ...args: Args): Result
}

/** Collects the records that verbs are going to read. An engine that reads on demand does not need it. */
export type Needs = {
  limiters(keys: Iterable<string>): void
  verification(id: string): void
  /** The live verification of a key. */
  live(key: VerificationKey): void
  /** The same. If there is none, the decoy, whose reading costs as much. */
  liveOrDecoy(key: VerificationKey): void
  /** All live verifications of a subject. */
  liveOf(tenant: string, subject: string): void
  lastAccepted(verification: string): void
  /** A message in the outbox. */
  entry(key: EntryKey): void
  /** The dispatch that a receipt is about, and its message if that waits for a receipt. */
  awaiting(receipt: ReceiptName): void
  proof(member: string, login: string): void
  repeat(fingerprint: string): void
  /** The call that came by this key, see `Once`. */
  once(key: string): void
  member(id: string): void
  memberByAddress(tenant: string, address: Address): void
  /** The member with this id, and each who has the account or a contact of this one. */
  memberToImport(member: Member): void
  /** The former contacts of a member, and its recovery; beside `member`, whose lock guards both. */
  contactHistory(member: string): void
  /** A department that is to stay as it is until the act has ended. */
  department(tenant: string, code: string): void
  /** The tenant and all of its departments, to change them. */
  departments(tenant: string): void
  /** Whether the department has members, with `departments`. */
  membersIn(tenant: string, code: string): void
  tenant(id: string): void
  /** An app, also a deleted one. */
  app(id: string): void
  /** The end of the audit's chain, if there is an entry to add. Of all acts with one, only one goes on at a time. */
  audit(entry: NewAuditEntry | undefined): void
}

/** The part of a receipt that names its dispatch. */
export type ReceiptName = Pick<ProviderReceipt, 'provider' | 'key'>

export type DispatchChange = Pick<StoredDispatch, 'segments' | 'price'> & {
  readonly receipt: NonNullable<StoredDispatch['receipt']>
}

/** Reads see earlier writes of the same unit. Its writes are committed all together or not at all. */
export type UnitOfWork = {
  /** Engine time in ms, not earlier than any time in the records that are read. */
  readonly now: number
  readonly limiters: OpenLimiters
  readonly verifications: {
    get(id: string): StoredVerification | undefined
    /** In the state `live`; its time may be over. */
    live(key: VerificationKey): StoredVerification | undefined
    /** Those of a subject in the state `live`. */
    liveOf(tenant: string, subject: string): readonly StoredVerification[]
    add(record: StoredVerification): void
    change(record: StoredVerification, change: VerificationChange): StoredVerification
    /** Counts on the decoy if there is no verification, so that an unknown address costs the same. */
    countDecoy(): Verification | undefined
  }
  /** The proofs of logins, which last for a time. */
  readonly proofs: {
    has(member: string, login: string): boolean
    put(proof: { readonly member: string; readonly login: string; readonly expiresAt: number }): void
    endOf(member: string): void
  }
  /** Calls answered with success before, by their fingerprints. */
  readonly repeats: {
    has(fingerprint: string): boolean
    put(fingerprint: string, expiresAt: number): void
  }
  /** Calls that acted, by their keys, until these expire. */
  readonly onces: {
    get(key: string): KeptCall | undefined
    put(once: Once, result: object, expiresAt: number): void
  }
  readonly members: {
    get(id: string): Member | undefined
    byAccount(tenant: string, account: string): Member | undefined
    byThirdAccount(tenant: string, thirdAccount: string): Member | undefined
    /** The member who logs in with a password under this account, over all tenants. */
    byLogin(account: string): Member | undefined
    byAddress(tenant: string, address: Address): Member | undefined
    /** Adds the member, or replaces the record with this id; `createdAt` and `tenant` stay. */
    put(member: Member): void
    /** Deletes the member, and keeps it as a former one with these contacts. */
    remove(member: Member, contacts: readonly Address[]): void
    areIn(tenant: string, code: string): boolean
  }
  /** Contacts that changes took away. */
  readonly formerContacts: {
    of(member: string): readonly FormerContact[]
    add(former: FormerContact): void
    /** Forgets those of one kind that were taken away at this time or later. */
    removeSince(member: string, contact: Address['kind'], changedAt: number): void
    endOf(member: string): void
  }
  readonly recoveries: {
    get(member: string): Recovery | undefined
    put(recovery: Recovery): void
    remove(member: string): void
  }
  readonly departments: {
    /** undefined also for a root without a record. */
    get(tenant: string, code: string): Department | undefined
    all(tenant: string): readonly Department[]
    put(department: Department): void
    remove(tenant: string, code: string): void
  }
  readonly tenants: {
    get(id: string): Tenant | undefined
    /** Replaces the record. */
    put(tenant: Tenant): void
  }
  readonly apps: {
    /** undefined for a deleted one. */
    get(id: string): App | undefined
    /** @returns false if the id is taken, also by a deleted app. */
    add(app: NewApp): boolean
    /** Replaces the record. */
    put(app: App): void
    /** Deletes the app without its keys, revokes its API keys and disables its endpoints. */
    remove(id: string): void
  }
  readonly tokens: {
    /** Ends all logins of a member. */
    endOf(member: string): void
  }
  readonly outbox: {
    /** Queues a message, leased to its caller. */
    put(message: NewMessage, lease: Lease, verification?: Verification): OutboxEntry
    get(key: EntryKey): StoredEntry | undefined
    change(key: EntryKey, entry: StoredEntry): void
    remove(key: EntryKey): void
    /** Adds the dispatch that ends its message, unread. If that had left already, the dispatch is late. */
    end(dispatch: StoredDispatch): void
    /** Adds a dispatch after which its message stays. @param entry  As the message is from now on. */
    tryAgain(dispatch: StoredDispatch, entry: StoredEntry): void
  }
  readonly dispatches: {
    /** The last acceptance of a verification's messages so far. */
    lastAccepted(verification: string): Used['broughtBy']
    /** The newest one, if the provider reuses its ids. */
    awaiting(receipt: ReceiptName): StoredDispatch | undefined
    /** Adds a dispatch once, however often it is called. */
    add(dispatch: StoredDispatch): void
    change(dispatch: StoredDispatch, change: DispatchChange): void
  }
  readonly journal: {
    append(entry: Omit<JournalEntry, 'at'>): void
  }
  readonly audit: {
    /** Adds an entry, if there is one, to the chain: with the act, or not at all. Its verb must have needed it. */
    add(entry: NewAuditEntry | undefined): void
  }
  readonly events: {
    /** Whether anybody reads the events of the app. If not, none is to be added. */
    areRead(app: string): boolean
    add(event: NewEvent): void
  }
}
