/** The common part of checking a code and changing a contact: counts the submission, compares, and records refusals. */

import { enteredCode } from '../code/entered-code.ts'
import type { Mismatch, Once } from '../store/once.ts'
import type { Hit, Throttled } from '../throttle/acquire.ts'
import { submissionLimits } from '../throttle/policy.ts'
import { decideSubmission, type RefusalReason } from '../verification/decide-submission.ts'
import { isTestSubject } from '../verification/subject.ts'
import type { Verification } from '../verification/verification.ts'
import type { Services } from './services.ts'
import { type Act, limitsInWorld, throttleSubject, verificationKey } from './subject.ts'
import { tellRefused } from './tell-refused.ts'

export type Submission = {
  readonly act: Act
  /** The verification that the code is entered for; absent: the live one of the act. */
  readonly id?: string
  /** The call that the code is entered in. */
  readonly entersFor: 'verify' | 'update' | 'undo'
  /** The code as the person typed or pasted it. */
  readonly entered: string
  /** Fingerprint of the call, see `SubmissionRequest.repeat`. */
  readonly repeat?: string | undefined
  readonly once?: Once | undefined
}

export type Submitted =
  /** Right, and not used yet. `wrong`: hits of this submission, to refund when it is used. */
  | {
      readonly kind: 'match'
      readonly record: Verification
      readonly wrong: readonly Hit[]
      /** Engine time of the submission. */
      readonly now: number
      readonly isReplayed: boolean
    }
  | { readonly kind: 'repeated' }
  | Mismatch
  /** Members get one answer for all reasons. */
  | {
      readonly kind: 'refused'
      readonly reason: RefusalReason
      readonly isLate: boolean
      readonly record: Verification | undefined
      readonly wrong: readonly Hit[]
      readonly now: number
      readonly isReplayed: boolean
    }
  | Throttled

export async function submitCode(services: Services, submission: Submission): Promise<Submitted> {
  const { act, id, entersFor, entered, repeat, once } = submission
  const { store, ring } = services
  const policy = services.policyOf(act.app)
  const key = verificationKey(act)
  const { counted, wrong } = services.hasLimits
    ? submissionLimits(throttleSubject(act), policy.limits)
    : { counted: [], wrong: [] }
  const taken = await store.verifications.takeSubmission({
    key,
    ...(id !== undefined && { id }),
    counted: limitsInWorld(counted, isTestSubject(act.subject)),
    wrong: limitsInWorld(wrong, isTestSubject(act.subject)),
    maxSubmissions: policy.maxSubmissions,
    ...(repeat !== undefined && { repeat }),
    ...(once && { once }),
  })
  if (taken.kind !== 'taken') {
    if (taken.kind === 'throttled') {
      services.metrics.throttled.inc({ act: 'submission', scope: taken.scope })
      services.recordRefusal(act, { act: entersFor, reason: 'throttled', limit: taken })
    }
    return taken
  }
  const { now, replayed: isReplayed = false } = taken
  const testCode = services.testCodeOf(key.address, services.clock.now())
  const outcome = decideSubmission(taken.record, enteredCode(entered), ring, now, testCode)
  if (outcome.kind === 'match')
    return { kind: 'match', record: outcome.record, wrong: taken.wrong, now, isReplayed }
  if (!isReplayed)
    services.recordRefusal(act, {
      act: entersFor,
      reason: outcome.reason,
      ...(taken.record && { verification: taken.record.id }),
    })
  const { reason, isLate = false } = outcome
  if (reason === 'wrong' && taken.record && !isReplayed) await tellRefused(services, taken.record)
  return { kind: 'refused', reason, isLate, record: taken.record, wrong: taken.wrong, now, isReplayed }
}
