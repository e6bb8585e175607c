/** Checks a code that was entered for a verification of anyone, known by its id. A right one uses it up. */

import { isSecretOf } from '../code/secret.ts'
import { reached } from '../delivery/crash-points.ts'
import type { App } from '../directory/directory.ts'
import type { Mismatch, Once, Replayed } from '../store/once.ts'
import type { RefusalReason } from '../verification/decide-submission.ts'
import type { Verification } from '../verification/verification.ts'
import { type ApiCaller, isOfCaller } from './api-caller.ts'
import { countUse } from './count-use.ts'
import { recentApps } from './recent-apps.ts'
import { recentStarts } from './recent-starts.ts'
import type { Services } from './services.ts'
import { actOfRecord } from './subject.ts'
import { submitCode } from './submit-code.ts'
import { type VerificationView, viewOf } from './verification-view.ts'

export type CheckRefusal = 'wrong' | 'expired' | 'spent' | 'used' | 'cancelled'

export type CheckVerificationOutcome =
  | ({
      readonly kind: 'verified'
      readonly app: App
      readonly view: VerificationView
      readonly record: Verification
      /** The channel that brought the code; that of the first message if no carrier is known to have taken one. */
      readonly channel: string
    } & Replayed)
  | ({
      readonly kind: 'refused'
      readonly view: VerificationView
      readonly reason: CheckRefusal
      /** The code was right, but came after its end. */
      readonly isLate: boolean
      /** When a code of this subject may be entered again; 0: at once. */
      readonly retryAfterMs: number
    } & Replayed)
  /** It waits for the solution of its challenge, and no code was sent. */
  | { readonly kind: 'held'; readonly view: VerificationView }
  /** There is none, or it is not the caller's. */
  | { readonly kind: 'not-found' }
  | Mismatch

/**
 * @param id  In the store, see `idOfPublic`.
 * @param entered  As the person typed it.
 * @param once  By it the same call, made again, gets the same answer and counts no submission.
 * @param network  Of the person, if the call is the person's own, see `actOfRecord`.
 * @throws AppError `store.unavailable`; then the code was not accepted.
 */
export async function checkVerification(
  services: Services,
  caller: ApiCaller,
  id: string,
  entered: string,
  once?: Once,
  network?: string,
): Promise<CheckVerificationOutcome> {
  const record = await found(services, id)
  if (!record || !isOfCaller(caller, record)) return { kind: 'not-found' }
  return check(services, caller.app, record, entered, once, network)
}

/**
 * The same for who has its secret instead of a key.
 * @param secret  See `secretOf`. @param networkIn  The person's network, as an app's limits count it.
 */
export async function checkWithSecret(
  services: Services,
  id: string,
  secret: string,
  entered: string,
  once?: Once,
  networkIn?: (app: App) => string,
): Promise<CheckVerificationOutcome> {
  // Before the store is asked: without the secret nobody counts a submission, or sees by the time what exists.
  if (!isSecretOf(services.ring, id, secret)) return { kind: 'not-found' }
  const record = await found(services, id)
  const app = record && record.details !== null && (await recentApps(services.store).find(record.app))
  if (!app) return { kind: 'not-found' }
  return check(services, app, record, entered, once, networkIn?.(app))
}

/** With the state of its start, if that was here: only the submission shows the present one. */
function found(
  { store }: Services,
  id: string,
): Verification | undefined | Promise<Verification | undefined> {
  return recentStarts(store).get(id) ?? store.verifications.get(id)
}

async function check(
  services: Services,
  app: App,
  found: Verification,
  entered: string,
  once: Once | undefined,
  network: string | undefined,
): Promise<CheckVerificationOutcome> {
  const outcome = await submit()
  services.metrics.submissions.inc({ act: 'check', outcome: outcome.kind })
  return outcome

  async function submit(): Promise<CheckVerificationOutcome> {
    if (found.state === 'held') {
      const now = await services.store.now()
      if (found.expiresAt <= now) return refused(found, now, 'expired')
      return { kind: 'held', view: viewNow(found, now) }
    }
    const act = actOfRecord(app, found, network)
    const submitted = await submitCode(services, { act, id: found.id, entersFor: 'verify', entered, once })
    if (submitted.kind === 'throttled') return refusedByLimits(submitted.retryAfterMs)
    if (submitted.kind === 'repeated') return refused(found, found.issuedAt, 'used')
    if (submitted.kind === 'mismatch') return submitted
    const { record = found, now, isReplayed } = submitted
    if (submitted.kind === 'refused')
      return {
        ...refused(record, now, reasonOf(submitted.reason), 0, submitted.isLate),
        ...(isReplayed && { replayed: true }),
      }
    reached('after-count', found.id)
    const used = await services.store.verifications.use({
      id: found.id,
      wrong: submitted.wrong,
      consumes: true,
      // Another key than the submission's, whose result it must not take the place of.
      ...(once && { once: { ...once, key: `${once.key} use` } }),
    })
    reached('after-use', found.id)
    if (!used) {
      services.recordRefusal(act, { act: 'verify', reason: 'used', verification: found.id })
      return refused({ ...record, state: 'used' }, now, 'used')
    }
    if (!used.replayed) countUse(services, record, used)
    const after: Verification = { ...record, state: 'used', usedAt: used.usedAt }
    return {
      kind: 'verified',
      app,
      view: viewNow(after, used.usedAt),
      record: after,
      channel: used.broughtBy?.channel ?? record.details!.channel,
      ...(isReplayed && { replayed: true }),
    }
  }

  /**
   * Only limits of one's own refuse a submission. Their refusal ends a live code, see `endsLiveCode`, and says nothing on why
   * one had ended before.
   */
  async function refusedByLimits(retryAfterMs: number) {
    const now = services.clock.now()
    const record = (await services.store.verifications.get(found.id)) ?? found
    if (record.state !== 'live') return refused(record, now, reasonOf(record.state), retryAfterMs)
    return record.expiresAt <= now
      ? refused(record, now, 'expired', retryAfterMs)
      : refused({ ...record, state: 'spent' }, now, 'spent', retryAfterMs)
  }

  function viewNow(record: Verification, now: number): VerificationView {
    return viewOf(record, now, services.policyOf(app).maxSubmissions)
  }

  function refused(
    record: Verification,
    now: number,
    reason: CheckRefusal,
    retryAfterMs = 0,
    isLate = false,
  ) {
    return { kind: 'refused', view: viewNow(record, now), reason, isLate, retryAfterMs } as const
  }
}

function reasonOf(reason: RefusalReason): CheckRefusal {
  switch (reason) {
    case 'wrong':
    case 'expired':
    case 'spent':
    case 'used':
    case 'cancelled':
      return reason
    // Its key has left the ring, or it was swept between two calls: no code of it is right any more.
    case 'unknown':
    case 'dead':
    case 'held':
      return 'expired'
  }
}
