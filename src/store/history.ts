/** The contract for the history of what lives in a faster store: verifications when they are over, dispatches as they happen. */

import type { DispatchOutcome } from '../message/dispatch.ts'
import type { ReceiptState } from '../message/receipt-state.ts'
import type { Verification } from '../verification/verification.ts'
import type { ContactChange, ContactChangeResult, ContactSetting, ContactSettingResult } from './directory.ts'
import type { ProviderReceipt, ReceiptResult } from './dispatches.ts'
import type { StateNumber } from './numbering.ts'
import type { Settlement } from './outbox.ts'

/** Codes and proofs that are not here but in a faster store. */
export type Elsewhere = {
  /**
   * Ends the member's live codes and proofs there. Called when nothing but the commit can fail any more: what is ended
   * there cannot be taken back, and of two members that race for one address the loser must keep its codes.
   */
  endLive(): Promise<void>
}

/** A dispatch with the state its receipts have moved it to. */
export type StandingReceipt = {
  readonly verification: string
  readonly messageId: string
  readonly queuedAt: number
  readonly state: ReceiptState
}

export type EndedVerification = Omit<Verification, 'state'> & { readonly state: StateNumber }

type DispatchKey = {
  readonly verification: string
  readonly messageId: string
  /** Which claim of the message it was. */
  readonly nth: number
}

export type KeptDispatch = DispatchKey & {
  readonly queuedAt: number
  readonly next: Settlement['next']['kind']
  readonly outcome: DispatchOutcome
  /** null: no receipt yet. */
  readonly state: ReceiptState | null
}

/** Calls end by `until` (by `performance.now()`). */
export type History = {
  /** Records verifications as they ended; once, however often it is called. */
  keep(until: number, ended: readonly EndedVerification[]): Promise<void>
  /**
   * Changes a contact by a verification that the faster store has used up. It is taken over here in the same
   * transaction, usable for what is left of its life, so that it changes one contact once even if the faster
   * store should forget that it was used.
   */
  changeContact(
    until: number,
    change: ContactChange,
    verification: Verification,
    remainingMs: number,
    elsewhere: Elsewhere & { readonly isProven: boolean },
  ): Promise<ContactChangeResult>
  setContact(until: number, setting: ContactSetting, elsewhere: Elsewhere): Promise<ContactSettingResult>
  /** @returns Those that were not recorded before. */
  record(until: number, settlements: readonly Settlement[]): Promise<readonly Settlement[]>
  /** These were recorded after another owner had settled their messages. */
  markLate(until: number, settlements: readonly Settlement[]): Promise<void>
  receive(
    until: number,
    receipts: readonly ProviderReceipt[],
  ): Promise<{
    readonly results: readonly ReceiptResult[]
    /** Of these receipts, also of those that had been received before. */
    readonly standing: readonly StandingReceipt[]
  }>
  /** Those of the dispatches that are recorded, as they are. */
  lookUp(until: number, dispatches: readonly DispatchKey[]): Promise<readonly KeptDispatch[]>
}
