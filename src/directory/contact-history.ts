/** What is kept of a member's contacts beyond the present ones: those that a change took away, and a recovery under way. */

import type { Address } from '../address/address.ts'

/** A contact that was changed or removed. Whoever still holds it may put it back for a time. */
export type FormerContact = {
  readonly tenant: string
  readonly member: string
  readonly contact: Address['kind']
  readonly address: Address
  /** The wire's country key of a phone. */
  readonly country: string | null
  /** Engine time. */
  readonly changedAt: number
}

/** A new contact that an administrator wants for a member who lost the old one. It waits, so that others may stop it. */
export type Recovery = {
  readonly tenant: string
  readonly member: string
  /** The app that notices are sent for. */
  readonly app: string
  readonly contact: Address['kind']
  readonly address: Address
  readonly country: string | null
  /** The language of notices. */
  readonly locale: string
  /** `member:ID` or `operator`. */
  readonly startedBy: string
  /** Engine time. */
  readonly startedAt: number
  readonly dueAt: number
}

/** How far back former contacts are kept: the longest time that undoing may be allowed. */
export const formerContactsKeptMs = 7 * 86_400_000

/**
 * The former contact that an undo puts back: of those of one member with the address the oldest, so that a chain of
 * changes is undone from its beginning. None if the member has the address again.
 * @param history  Of the member. @param at  Engine time.
 */
export function undoneBy(
  history: readonly FormerContact[],
  isOfAddress: (former: FormerContact) => boolean,
  windowMs: number,
  at: number,
): FormerContact | undefined {
  return history
    .filter((one) => isOfAddress(one) && one.changedAt + windowMs > at)
    .toSorted((a, b) => a.changedAt - b.changedAt)[0]
}
