/** The steps of a verification, for an operator who must find out why a code did not arrive. */

import { addressKey, maskKey, parseAddress } from '../address/address.ts'
import { addressTags } from '../code/address-tag.ts'
import type { RecordedDispatch } from '../store/dispatches.ts'
import type { JournalEntry } from '../store/journal.ts'
import type { Store } from '../store/store.ts'
import { shownSubject } from '../verification/subject.ts'
import type { Verification, VerificationState } from '../verification/verification.ts'
import type { Services } from './services.ts'

/** One step. Times are engine time, ms since the epoch. */
export type Step = {
  readonly at: number
  readonly event:
    | 'issued'
    /** Committed for delivery: at the issue, or by a resend. */
    | 'queued'
    | 'handed-over'
    /** The answer of the provider, or the reason why the message reached none. */
    | 'answered'
    | 'receipt'
    /** No carrier took it, and it is not tried any more. */
    | 'given-up'
    | 'used'
    | 'expired'
  readonly message?: string
  readonly provider?: string
  readonly channel?: string
  readonly outcome?: string
  /** The provider's own code and words. */
  readonly providerCode?: string
  /** An earlier dispatch may have been taken too, so the person may get the same code twice. */
  readonly mayBeCopy?: true
}

export type Timeline = {
  readonly id: string
  readonly tenant: string
  readonly app: string
  /** The person, a member or another subject. */
  readonly member: string
  /** Masked. */
  readonly address: string
  readonly purpose: string
  readonly state: VerificationState | 'expired'
  readonly issuedAt: number
  readonly expiresAt: number
  readonly usedAt: number | null
  readonly submissions: number
  /** Nothing is sent to a test address. */
  readonly isTest: boolean
  readonly dispatches: readonly RecordedDispatch[]
  readonly steps: readonly Step[]
}

/** @returns undefined if there is no such verification, or it is past its retention. */
export async function verificationTimeline(store: Store, id: string): Promise<Timeline | undefined> {
  const [record, dispatches, now] = await Promise.all([
    store.verifications.get(id),
    store.dispatches.of(id),
    store.now(),
  ])
  return record && timelineOf(record, dispatches, now)
}

/** A refusal for an address, see `RecordRefusal`. */
export type FoundRefusal = {
  readonly at: number
  readonly act: string
  readonly reason: string
  readonly scope?: string
  readonly rule?: string
  readonly app: string
  readonly member: string
  readonly verification: string
}

export type FoundTimelines = {
  /** Newest first, like the verifications. */
  readonly refusals: readonly FoundRefusal[]
  readonly found: readonly Pick<Timeline, 'id' | 'app' | 'member' | 'state' | 'issuedAt' | 'usedAt'>[]
}

/**
 * The verifications and refusals of an address, the newest first.
 * @param text  As a person types it: a number with its plus, or an e-mail address.
 * @param sinceMs  How far to look back from now.
 * @returns undefined if the text is no address.
 */
export async function findVerifications(
  { store, ring, addressRules: rules }: Pick<Services, 'store' | 'ring' | 'addressRules'>,
  text: string,
  sinceMs: number,
  most = 100,
): Promise<FoundTimelines | undefined> {
  const parsed = parseAddress(text, rules)
  if (parsed.kind === 'refused') return undefined
  const now = await store.now()
  const query = { address: addressKey(parsed.address), sinceMs: now - sinceMs }
  const refusals = await store.journal.ofAddress({
    tags: addressTags(ring, query.address),
    sinceMs: query.sinceMs,
    most,
  })
  const found: Verification[] = []
  for (let before: string | null | undefined; before !== null && found.length < most; ) {
    const page = await store.verifications.find({ ...query, ...(before !== undefined && { before }) })
    found.push(...page.found)
    before = page.next
  }
  return {
    refusals: refusals.map(refusalOf),
    found: found.slice(0, most).map((record) => {
      const { id, app, subject, issuedAt, usedAt } = record
      return { id, app, member: shownSubject(subject), state: stateOf(record, now), issuedAt, usedAt }
    }),
  }
}

function refusalOf({ at, app, member, verification, detail }: JournalEntry): FoundRefusal {
  const { act, reason, scope, rule } = detail
  return {
    at,
    act: String(act),
    reason: String(reason),
    ...(scope !== undefined && { scope: String(scope) }),
    ...(rule !== undefined && { rule: String(rule) }),
    app,
    member,
    verification,
  }
}

export function timelineOf(
  record: Verification,
  dispatches: readonly RecordedDispatch[],
  now: number,
): Timeline {
  const { id, tenant, app, subject, purpose, issuedAt, expiresAt, usedAt, submissions, isTest } = record
  const state = stateOf(record, now)
  const steps: Step[] = [{ at: issuedAt, event: 'issued' }]
  const queued = new Set<string>()
  const doubtful = new Set<string>()
  const accepted = new Set<string>()
  for (const one of dispatches) {
    const { message, provider, channel } = one
    if (!queued.has(message)) steps.push({ at: one.queuedAt, event: 'queued', message, channel })
    queued.add(message)
    if (provider !== '')
      steps.push({
        at: one.handedOverAt,
        event: 'handed-over',
        message,
        provider,
        channel,
        ...(doubtful.has(message) && { mayBeCopy: true }),
      })
    steps.push({
      at: one.answeredAt,
      event: 'answered',
      message,
      ...(provider !== '' && { provider }),
      outcome: one.outcome,
      ...(one.providerCode !== '' && { providerCode: one.providerCode }),
    })
    if (one.outcome === 'unknown') doubtful.add(message)
    if (one.outcome === 'accepted') accepted.add(message)
    const isOver = usedAt !== null && usedAt <= one.answeredAt
    if (one.next === 'failed' && !one.isLate && !accepted.has(message) && !isOver)
      steps.push({ at: one.answeredAt, event: 'given-up', message, channel, outcome: one.outcome })
    if (one.receipt) {
      const { at, state, providerCode } = one.receipt
      steps.push({ at, event: 'receipt', message, provider, outcome: state, providerCode })
    }
  }
  if (usedAt !== null) steps.push({ at: usedAt, event: 'used' })
  if (state === 'expired') steps.push({ at: expiresAt, event: 'expired' })
  // The sort is stable: steps of one millisecond stay in the order in which they must have happened.
  steps.sort((a, b) => a.at - b.at)
  return {
    id,
    tenant,
    app,
    member: shownSubject(subject),
    address: maskKey(record.address),
    purpose,
    state,
    issuedAt,
    expiresAt,
    usedAt,
    submissions,
    isTest,
    dispatches,
    steps,
  }
}

function stateOf(record: Verification, now: number): Timeline['state'] {
  return record.state === 'live' && record.expiresAt <= now ? 'expired' : record.state
}
