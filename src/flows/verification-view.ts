/** A verification in the form that answers of the native API are rendered from. */

import { maskKey } from '../address/address.ts'
import type { Verification } from '../verification/verification.ts'
import { wordOf } from './subject.ts'

/** held · live · used · expired · spent: too many submissions · cancelled · undeliverable: no carrier took its messages. */
export type ViewState = 'held' | 'live' | 'used' | 'expired' | 'spent' | 'cancelled' | 'undeliverable'

/** Times are engine time, ms since the epoch. */
export type VerificationView = {
  /** In the store; callers see it as `publicIdOf`. */
  readonly id: string
  readonly state: ViewState
  readonly toMasked: string
  /** The channel of the first message. */
  readonly channel: string
  readonly purpose: string
  /** The caller's own word for the person; undefined if it gave none. */
  readonly subject: string | undefined
  readonly locale: string
  readonly createdAt: number
  readonly expiresAt: number
  readonly usedAt: number | null
  readonly codeLength: number
  readonly submissionsLeft: number
  readonly isTest: boolean
  readonly metadata: Readonly<Record<string, string>>
  readonly risk: 'allow' | 'challenge' | 'refuse'
}

/** @param now  Engine time. @param maxSubmissions  Of the app's policy. */
export function viewOf(record: Verification, now: number, maxSubmissions: number): VerificationView {
  const { id, details, issuedAt, expiresAt, usedAt, submissions } = record
  const state = stateOf(record, now)
  return {
    id,
    state,
    toMasked: maskKey(record.address),
    channel: details?.channel ?? '',
    purpose: record.purpose,
    subject: wordOf(record.subject),
    locale: details?.locale ?? '',
    createdAt: issuedAt,
    expiresAt,
    usedAt,
    codeLength: record.digits,
    submissionsLeft: state === 'live' || state === 'held' ? Math.max(0, maxSubmissions - submissions) : 0,
    isTest: record.isTest || details?.byTestKey === true,
    metadata: details?.metadata ?? {},
    risk: details?.risk ?? 'allow',
  }
}

function stateOf({ state, expiresAt }: Verification, now: number): ViewState {
  // Those of the native API depend on no contact, so that none of them ends as dead.
  if (state === 'dead') return 'cancelled'
  return (state === 'live' || state === 'held') && expiresAt <= now ? 'expired' : state
}
