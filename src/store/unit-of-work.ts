/** The contract between verbs and engines with tables: what one atomic step reads and writes, in the domain's records. */

import type { Address } from '../address/address.ts'
import type { Member } from '../directory/directory.ts'
import type { NewMessage } from '../message/message.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { OpenLimiters } from '../throttle/open-limiters.ts'
import type { StoredVerification, VerificationChange } from '../verification/stored-verification.ts'
import type { Verification, VerificationKey } from '../verification/verification.ts'
import type { JournalEntry } from './journal.ts'
import type { Lease } from './outbox.ts'
import type { Used } from './verifications.ts'

/** One act of the store, decided alike in every engine that keeps tables. */
export type Verb<Args extends readonly unknown[], Result> = {
  /** Names all that `decide` may read. PostgreSQL reads and locks it at once, for all calls of a turn. */
  needs(needs: Needs, ...args: Args): void
  /** Pure but for the unit. Synchronous, so nothing comes in between. */
  decide(unit: UnitOfWork, ...args: Args): Result
}

/** Collects what verbs are going to read. An engine that reads on demand has no use for it. */
export type Needs = {
  limiters(keys: Iterable<string>): void
  verification(id: string): void
  /** The live verification of a key. */
  live(key: VerificationKey): void
  /** The same; where there is none, the decoy, whose reading costs as much. */
  liveOrDecoy(key: VerificationKey): void
  /** All live verifications of a member. */
  liveOf(tenant: string, member: string): void
  lastAccepted(verification: string): void
  proof(member: string, login: string): void
  repeat(fingerprint: string): void
  member(id: string): void
  memberByAddress(tenant: string, address: Address): void
  /** The member with this id, and each who has the account or a contact of this one. */
  memberToImport(member: Member): void
}

/** Reads show what the same unit has written before. All of it is written with the commit, or nothing. */
export type UnitOfWork = {
  /** Engine time in ms, not earlier than any time that is read. */
  readonly now: number
  readonly limiters: OpenLimiters
  readonly verifications: {
    get(id: string): StoredVerification | undefined
    /** In the state `live`; its time may be over. */
    live(key: VerificationKey): StoredVerification | undefined
    /** Those of a member in the state `live`. */
    liveOf(tenant: string, member: string): readonly StoredVerification[]
    add(record: StoredVerification): void
    change(record: StoredVerification, change: VerificationChange): StoredVerification
    /** Counts on the row that stands where there is no verification, so that an unknown address costs the same. */
    countDecoy(): Verification | undefined
  }
  /** What logins have proved to hold, for a time. */
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
  readonly members: {
    get(id: string): Member | undefined
    byAccount(tenant: string, account: string): Member | undefined
    /** The one who logs in with a password under this account, over all tenants. */
    byLogin(account: string): Member | undefined
    byAddress(tenant: string, address: Address): Member | undefined
    /** Adds the member, or replaces what is kept under this id; `createdAt` and `tenant` stay. */
    put(member: Member): void
  }
  readonly tokens: {
    /** Ends all logins of a member. */
    endOf(member: string): void
  }
  readonly outbox: {
    /** Queues a message, leased to its caller. */
    put(message: NewMessage, lease: Lease, verification?: Verification): OutboxEntry
  }
  readonly dispatches: {
    /** The last acceptance of a verification's messages so far. */
    lastAccepted(verification: string): Used['broughtBy']
  }
  readonly journal: {
    append(entry: Omit<JournalEntry, 'at'>): void
  }
}
