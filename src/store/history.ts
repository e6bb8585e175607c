/** The contract for the history of a faster store's records: verifications when they have ended, dispatches as they happen. */

import type { DispatchOutcome } from '../message/dispatch.ts'
import type { ReceiptState } from '../message/receipt-state.ts'
import type { Verification } from '../verification/verification.ts'
import type { BatchResult, MemberBatch, MemberUpdate, MemberUpdateResult } from './administration.ts'
import type {
  ContactUndo,
  ContactUndoResult,
  RecoveryApply,
  RecoveryApplyResult,
  RecoveryStop,
  RecoveryStopResult,
} from './contact-undo.ts'
import type { ContactChange, ContactChangeResult, ContactSetting, ContactSettingResult } from './directory.ts'
import type { ProviderReceipt, ReceiptResult } from './dispatches.ts'
import type { ErasedPeople } from './erasure.ts'
import type { AppEvent } from './events.ts'
import type { StateNumber } from './numbering.ts'
import type { Settlement } from './outbox.ts'

/** The codes and proofs in the faster store. */
export type Elsewhere = {
  /**
   * Ends the member's live codes and proofs there. Called when only the commit can still fail, because an end there cannot
   * be undone: of two members that race for one address, the loser must keep its codes.
   */
  endLive(): Promise<void>
}

/** A dispatch with the state after all its receipts. */
export type StandingReceipt = {
  readonly verification: string
  readonly messageId: string
  readonly queuedAt: number
  readonly state: ReceiptState
}

export type EndedVerification = Omit<Verification, 'state'> & { readonly state: StateNumber }

export type DispatchKey = {
  readonly verification: string
  readonly messageId: string
  /** The number of the claim of the message. */
  readonly nth: number
}

export type KeptDispatch = DispatchKey & {
  readonly queuedAt: number
  readonly next: Settlement['next']['kind']
  readonly outcome: DispatchOutcome
  /** null: no receipt yet. */
  readonly state: ReceiptState | null
}

/** Calls end by `until`, a time of `performance.now()`. */
export type History = {
  /** Records verifications that have ended, each once, however often it is called. */
  keep(until: number, ended: readonly EndedVerification[]): Promise<void>
  /**
   * Changes a contact by a verification that the faster store has used up. The same transaction copies it here, usable for
   * the rest of its life, and uses it. So it changes a single contact once, even if the faster store forgets its use.
   */
  changeContact(
    until: number,
    change: ContactChange,
    verification: Verification,
    remainingMs: number,
    elsewhere: Elsewhere & { readonly isProven: boolean },
  ): Promise<ContactChangeResult>
  /** The same, for a code that was sent to a former contact. */
  undoContact(
    until: number,
    undo: ContactUndo,
    verification: Verification,
    remainingMs: number,
    elsewhere: Elsewhere,
  ): Promise<ContactUndoResult>
  stopRecovery(
    until: number,
    stop: RecoveryStop,
    verification: Verification,
    remainingMs: number,
  ): Promise<RecoveryStopResult>
  applyRecovery(until: number, apply: RecoveryApply, elsewhere: Elsewhere): Promise<RecoveryApplyResult>
  setContact(until: number, setting: ContactSetting, elsewhere: Elsewhere): Promise<ContactSettingResult>
  updateMember(until: number, update: MemberUpdate, elsewhere: Elsewhere): Promise<MemberUpdateResult>
  deleteMembers(until: number, batch: MemberBatch, elsewhere: Elsewhere): Promise<BatchResult>
  /** Adds events of the faster store, each once, however often it is called. Their order is that in which they come. */
  publish(until: number, events: readonly AppEvent[]): Promise<void>
  /**
   * Records settlements.
   * @param late  Those of them whose messages another owner had settled before.
   * @returns Those that were not recorded before.
   */
  record(
    until: number,
    settlements: readonly Settlement[],
    late?: ReadonlySet<Settlement>,
  ): Promise<readonly Settlement[]>
  /** Marks recorded settlements as late: another owner had settled their messages before. */
  markLate(until: number, settlements: readonly Settlement[]): Promise<void>
  receive(
    until: number,
    receipts: readonly ProviderReceipt[],
  ): Promise<{
    readonly results: readonly ReceiptResult[]
    /** Of these receipts, also of those that had been received before. */
    readonly standing: readonly StandingReceipt[]
  }>
  /** @returns Those of the verifications that are of people to be erased. */
  ofPeople(until: number, ids: readonly string[], people: ErasedPeople): Promise<readonly string[]>
  /** @returns Those of the dispatches that are recorded. */
  lookUp(until: number, dispatches: readonly DispatchKey[]): Promise<readonly KeptDispatch[]>
}
