/** The contract for undoing a change of a contact, and for recoveries, which can be stopped in the same way. */

import type { Address } from '../address/address.ts'
import type { FormerContact, Recovery } from '../directory/contact-history.ts'
import type { NewMessage } from '../message/message.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { Hit } from '../throttle/acquire.ts'
import type { NewAuditEntry } from './audit.ts'
import type { Lease } from './outbox.ts'
import type { Used } from './verifications.ts'

/** The contacts on which the caller decided. If they have changed since, the result is `stale`. */
type Seen = { readonly phone: Address | null; readonly email: Address | null }

/** An act by a code that was entered right and that the act uses up, as in `ContactChange`. */
type ByCode = {
  readonly tenant: string
  readonly app: string
  readonly member: string
  readonly verification: string
  readonly wrong: readonly Hit[]
  readonly address: Address
  readonly notices: readonly NewMessage[]
  readonly lease: Lease
}

/** The verification of a former contact, entered right, and whose contact it puts back. */
export type ContactUndo = ByCode & {
  readonly seen: Seen
  /** How long a change may be undone. */
  readonly windowMs: number
  /** How long no contact of the member may be changed from now on. */
  readonly barMs: number
}

/** refused: also if there is nothing to undo any more. */
export type ContactUndoResult =
  | { readonly kind: 'changed'; readonly entries: readonly OutboxEntry[]; readonly used: Used }
  | { readonly kind: 'refused' }
  | { readonly kind: 'stale' }
  | { readonly kind: 'bound' }

export type RecoveryStart = {
  readonly recovery: Omit<Recovery, 'startedAt' | 'dueAt'>
  readonly waitMs: number
  readonly seen: Seen
  /** To every contact. */
  readonly notices: readonly NewMessage[]
  readonly lease: Lease
  readonly audit?: NewAuditEntry
}

export type RecoveryStartResult =
  | { readonly kind: 'started'; readonly dueAt: number; readonly entries: readonly OutboxEntry[] }
  /** unknown: no such member in the tenant · pending: one is under way already · bound: another member has the address. */
  | { readonly kind: 'unknown' | 'pending' | 'bound' | 'stale' }

/** The verification of a present contact, entered right, of a member whose recovery it stops. */
export type RecoveryStop = ByCode

export type RecoveryStopResult =
  | { readonly kind: 'stopped'; readonly entries: readonly OutboxEntry[]; readonly used: Used }
  | { readonly kind: 'refused' }

/** An administrator or the operator takes a recovery back. */
export type RecoveryCancel = {
  readonly tenant: string
  readonly app: string
  readonly member: string
  /** For the journal; the audit has who it was. */
  readonly by: 'administrator' | 'operator'
  readonly audit?: NewAuditEntry
}

export type RecoveryApply = {
  readonly seen: Seen
  readonly notices: readonly NewMessage[]
  readonly lease: Lease
  readonly recovery: Recovery
}

export type RecoveryApplyResult =
  | { readonly kind: 'changed'; readonly entries: readonly OutboxEntry[] }
  /** gone: applied, stopped, or not due · dropped: the member, or another one, has the address by now. */
  | { readonly kind: 'gone' | 'dropped' | 'stale' }

export type ContactHistory = {
  readonly former: readonly FormerContact[]
  readonly recoveries: readonly Recovery[]
}

export type ContactUndoing = {
  /** What whoever holds an address may undo: changes that took it away, newest first, and recoveries of its present member. */
  undoable(address: Address): Promise<ContactHistory>
  /** What is kept of one member, oldest first. */
  contactHistory(member: string): Promise<ContactHistory>
  /** Puts a contact back, forgets the later ones, ends the member's logins, and bars further changes for a time. */
  undoContact(undo: ContactUndo): Promise<ContactUndoResult>
  startRecovery(start: RecoveryStart): Promise<RecoveryStartResult>
  stopRecovery(stop: RecoveryStop): Promise<RecoveryStopResult>
  /** @returns Whether there was one. */
  cancelRecovery(cancel: RecoveryCancel): Promise<boolean>
  dueRecoveries(most: number): Promise<readonly Recovery[]>
  /** Changes the contact that a due recovery is for: once, however many processes try. */
  applyRecovery(apply: RecoveryApply): Promise<RecoveryApplyResult>
}
