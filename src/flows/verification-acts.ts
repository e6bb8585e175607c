/** Acts on a verification of anyone that was started before: send again, hand in a solution, cancel. */

import type { Channel } from '../message/channel.ts'
import type { Mismatch, Once, Replayed } from '../store/once.ts'
import type { ResendResult } from '../store/verifications.ts'
import type { Throttled } from '../throttle/acquire.ts'
import type { Verification } from '../verification/verification.ts'
import { type ApiCaller, isOfCaller } from './api-caller.ts'
import { isSolution } from './challenge.ts'
import { channelsFor, servedChannels } from './channels.ts'
import { codeMessage } from './code-message.ts'
import { foundBy } from './found-verification.ts'
import { handOver, isReachable, limitsOfIssue, recordThrottled } from './issue-code.ts'
import type { Services } from './services.ts'
import { type Act, verificationKey } from './subject.ts'
import { type VerificationView, viewOf } from './verification-view.ts'

/** There is none, or it is not the caller's. */
type NotFound = { readonly kind: 'not-found' }
/** It is not in the state that the act needs. */
type Conflict = { readonly kind: 'conflict'; readonly view: VerificationView }
/** The country is not allowed, or no carrier serves the channel. */
type Unreachable = { readonly kind: 'unreachable' }

type Sent = {
  readonly kind: 'sent'
  readonly view: VerificationView
  /** The channel of this message. */
  readonly channel: string
} & Replayed

export type SendAgainOutcome = Sent | Unreachable | Conflict | NotFound | Throttled | Mismatch

/**
 * Sends the code of a live verification again; the code and its end stay. It counts in all limits of a start.
 * @param channel  Another than that of the first message.
 * @param network  Of the person, if the call is the person's own, see `actOfRecord`.
 * @throws AppError `store.unavailable`; then nothing was sent that the caller may count on.
 */
export async function sendAgain(
  services: Services,
  caller: ApiCaller,
  id: string,
  channel?: Channel,
  once?: Once,
  network?: string,
): Promise<SendAgainOutcome> {
  const found = await foundBy(services, caller, id, network)
  if (!found) return { kind: 'not-found' }
  const { record, act } = found
  const by = channel ?? (record.details!.channel as Channel)
  const message = act && messageFor(act, record, by)
  if (!act || !message || !isReachable(services, act, message)) return { kind: 'unreachable' }
  const now = services.clock.now()
  const { limits, isTest } = limitsOfIssue(services, act, now)
  const result = await services.store.verifications.resend({
    id,
    maxSubmissions: services.policyOf(caller.app).maxSubmissions,
    limits,
    ...(!isTest && { message: codeMessage(message, limits, now) }),
    lease: services.lease,
    ...(once && { once }),
  })
  switch (result.kind) {
    case 'throttled':
      recordThrottled(services, act, result)
      return result
    case 'mismatch':
      return result
    case 'ended':
      return endedOutcome(services, caller, result)
    case 'sent':
      return sent(services, caller, act, result, by)
  }
}

export type SendNextOutcome =
  | Sent
  /** The verification has no plan, or no step of it waits. */
  | { readonly kind: 'no-next' }
  | Conflict
  | NotFound
  | Mismatch

/**
 * Sends by the next step of the verification's plan at once, instead of at its time. It counts in no limit: the start did
 * for each step.
 * @throws AppError `store.unavailable`; then the step comes at its time at the latest.
 */
export async function sendNext(
  services: Services,
  caller: ApiCaller,
  id: string,
  once?: Once,
): Promise<SendNextOutcome> {
  const found = await foundBy(services, caller, id)
  if (!found) return { kind: 'not-found' }
  const { record, act } = found
  const dispatches = record.details!.plan ? await services.store.dispatches.of(id) : []
  const last = dispatches.findLast(({ next }) => next === 'second')
  if (!last || !act) return { kind: 'no-next' }
  const entry = { messageId: last.message, queuedAt: last.queuedAt, verification: id }
  const result = await services.store.verifications.hasten({
    id,
    entry,
    maxSubmissions: services.policyOf(caller.app).maxSubmissions,
    ...(once && { once }),
  })
  switch (result.kind) {
    case 'none':
      return { kind: 'no-next' }
    case 'mismatch':
      return result
    case 'ended':
      return endedOutcome(services, caller, result)
    case 'hastened':
      return sent(services, caller, act, { ...result, kind: 'sent' }, result.channel)
  }
}

export type SolveOutcome =
  | Sent
  /** It is no solution of the challenge. */
  | { readonly kind: 'unsolved' }
  | Unreachable
  | Conflict
  | NotFound
  | Mismatch

/**
 * Hands in the solution of a held verification's challenge: then its code is sent, and its life begins.
 * @param payload  See `isSolution`.
 * @throws AppError `store.unavailable`; then nothing was sent that the caller may count on.
 */
export async function solveChallenge(
  services: Services,
  caller: ApiCaller,
  id: string,
  payload: string,
  once?: Once,
): Promise<SolveOutcome> {
  const found = await foundBy(services, caller, id)
  if (!found) return { kind: 'not-found' }
  const { record, act } = found
  if (record.state === 'held') {
    const now = await services.store.now()
    if (record.expiresAt <= now) return endedOutcome(services, caller, { record, now })
  }
  const key = services.ring.keys.get(record.keyId)
  const channel = record.details!.channel as Channel
  const message = act && messageFor(act, record, channel)
  // One that is not held any more is decided by the store, which may know this call from before.
  if (record.state === 'held' && !(key && (await isSolution(key, record, payload))))
    return { kind: 'unsolved' }
  if (!act || !message || !isReachable(services, act, message)) return { kind: 'unreachable' }
  const now = services.clock.now()
  // Its hits were made by the start.
  const { limits, isTest } = limitsOfIssue(services, act, now, record.details!.plan?.length)
  const result = await services.store.verifications.solve({
    id,
    key: verificationKey(act),
    lifetimeMs: message.lifetimeMs,
    ...(!isTest && {
      message: codeMessage({ ...message, beginsPlan: record.details!.plan !== undefined }, limits, now),
    }),
    lease: services.lease,
    ...(once && { once }),
  })
  switch (result.kind) {
    case 'mismatch':
      return result
    case 'ended':
      return endedOutcome(services, caller, result)
    case 'sent':
      return sent(services, caller, act, result, channel)
  }
}

export type CancelOutcome =
  | ({ readonly kind: 'cancelled'; readonly view: VerificationView } & Replayed)
  | Conflict
  | NotFound
  | Mismatch

/** Ends a live or held verification unused. @throws AppError `store.unavailable`; then it may live on. */
export async function cancelVerification(
  services: Services,
  caller: ApiCaller,
  id: string,
  once?: Once,
): Promise<CancelOutcome> {
  const record = await services.store.verifications.get(id)
  if (!record || !isOfCaller(caller, record)) return { kind: 'not-found' }
  const result = await services.store.verifications.cancel({ id, ...(once && { once }) })
  switch (result.kind) {
    case 'mismatch':
      return result
    case 'ended':
      return endedOutcome(services, caller, result)
    case 'cancelled': {
      const { now, replayed } = result
      const view = viewOf(result.record, now, services.policyOf(caller.app).maxSubmissions)
      return { kind: 'cancelled', view, ...(replayed && { replayed }) }
    }
  }
}

function messageFor({ app, tenant, address }: Act, record: Verification, channel: Channel) {
  if (!channelsFor(address).includes(channel)) return undefined
  const { locale, byTestKey = false, lifetimeMs } = record.details!
  return {
    tenant,
    app: app.id,
    to: address,
    channel,
    locale,
    lifetimeMs: lifetimeMs ?? record.expiresAt - record.issuedAt,
    isSandboxed: byTestKey,
  }
}

function sent(
  services: Services,
  { app, isTest }: ApiCaller,
  act: Act,
  result: Extract<ResendResult, { kind: 'sent' }>,
  channel: string,
): Sent {
  const { record, now, replayed, entry, sendAfterMs } = result
  handOver(services, entry)
  const view = viewOf(record, now, services.policyOf(app).maxSubmissions, {
    channels: servedChannels(services, act, isTest),
    ...(sendAfterMs !== undefined && { sendAfterMs }),
  })
  return { kind: 'sent', view, channel, ...(replayed && { replayed }) }
}

function endedOutcome(
  services: Services,
  { app }: ApiCaller,
  { record, now }: { readonly record: Verification | undefined; readonly now: number },
): Conflict | NotFound {
  if (!record) return { kind: 'not-found' }
  return { kind: 'conflict', view: viewOf(record, now, services.policyOf(app).maxSubmissions) }
}
