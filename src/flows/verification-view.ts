/** A verification in the form that answers of the native API are rendered from. */

import { maskKey } from '../address/address.ts'
import type { RecordedDispatch } from '../store/dispatches.ts'
import type { PlanStep } from '../verification/details.ts'
import { hasSubmissionLeft } from '../verification/stored-verification.ts'
import { wordOf } from '../verification/subject.ts'
import { createdAtOf, type Verification } from '../verification/verification.ts'

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
  /** The languages that were looked for, the wanted one first and the found one last. */
  readonly localesTried: readonly string[]
  readonly alphabet: 'digits' | 'crockford'
  readonly plan: readonly PlanStep[]
  readonly createdAt: number
  readonly expiresAt: number
  readonly usedAt: number | null
  readonly codeLength: number
  readonly submissionsLeft: number
  /** How the code may be sent again; null: it has ended, is held, or the call does not know. */
  readonly next: { readonly sendAfterMs: number; readonly channels: readonly string[] } | null
  /** Messages that were handed over so far; absent where the call does not know. */
  readonly dispatches?: number
  readonly isTest: boolean
  readonly metadata: Readonly<Record<string, string>>
  readonly risk: 'allow' | 'challenge' | 'refuse'
}

/** What only some calls know of a verification. */
export type ViewFacts = {
  /** Channels that serve its address, by which the code may be sent again. */
  readonly channels?: readonly string[]
  /** Until a gap allows the next message. */
  readonly sendAfterMs?: number
  readonly dispatches?: readonly RecordedDispatch[]
}

/** @param now  Engine time. @param maxSubmissions  Of the app's policy. */
export function viewOf(
  record: Verification,
  now: number,
  maxSubmissions: number,
  { channels, sendAfterMs = 0, dispatches }: ViewFacts = {},
): VerificationView {
  const { id, details, issuedAt, expiresAt, usedAt, submissions } = record
  const state = stateOf(record, now, maxSubmissions, dispatches)
  const isOpen = state === 'live' || state === 'held' || state === 'undeliverable'
  return {
    id,
    state,
    toMasked: maskKey(record.address),
    channel: details?.channel ?? '',
    purpose: record.purpose,
    subject: wordOf(record.subject),
    locale: details?.locale ?? '',
    localesTried: details?.localesTried ?? [],
    alphabet: details?.alphabet ?? 'digits',
    plan: details?.plan ?? [],
    // The life of one that was held begins later, with the solution of its challenge.
    createdAt: details?.lifetimeMs === undefined ? issuedAt : createdAtOf(id),
    expiresAt,
    usedAt,
    codeLength: record.digits,
    submissionsLeft: isOpen ? maxSubmissions - submissions : 0,
    next: isOpen && state !== 'held' && channels ? { sendAfterMs, channels } : null,
    ...(dispatches && { dispatches: new Set(dispatches.map(({ message }) => message)).size }),
    isTest: record.isTest || details?.byTestKey === true,
    metadata: details?.metadata ?? {},
    risk: details?.risk ?? 'allow',
  }
}

function stateOf(
  record: Verification,
  now: number,
  maxSubmissions: number,
  dispatches: readonly RecordedDispatch[] = [],
): ViewState {
  const { state, expiresAt } = record
  // Those of the native API depend on no contact, so that none of them ends as dead.
  if (state === 'dead') return 'cancelled'
  if (state !== 'live' && state !== 'held') return state
  if (expiresAt <= now) return 'expired'
  // The store ends it with the next act on it: nothing that is entered from now on is right.
  if (!hasSubmissionLeft(record, maxSubmissions)) return 'spent'
  return isGivenUp(dispatches) ? 'undeliverable' : state
}

/** Whether no carrier took any message, and the last one is not tried any more. */
function isGivenUp(dispatches: readonly RecordedDispatch[]): boolean {
  const last = dispatches.filter((one) => !one.isLate).at(-1)
  return last?.next === 'failed' && dispatches.every(({ outcome }) => outcome !== 'accepted')
}
