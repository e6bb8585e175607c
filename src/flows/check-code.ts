/** Checks a code. That of a present contact is used up and becomes a proof; that of a new one stays live for the change. */

import { reached } from '../delivery/crash-points.ts'
import type { Throttled } from '../throttle/acquire.ts'
import { countUse } from './count-use.ts'
import { proofMs } from './policy.ts'
import type { Services } from './services.ts'
import { actOf, type MemberAct } from './subject.ts'
import { submitCode } from './submit-code.ts'

export type CheckOutcome = { readonly kind: 'verified' } | { readonly kind: 'refused' } | Throttled

/**
 * @param entered  As the person typed it.
 * @param repeat  Fingerprint of the call, if its caller gave it a request id.
 * @throws AppError `store.unavailable`; then the code was not accepted.
 */
export async function checkCode(
  services: Services,
  memberAct: MemberAct,
  entered: string,
  repeat: string | undefined,
): Promise<CheckOutcome> {
  const act = actOf(memberAct)
  const outcome = await submit()
  services.metrics.submissions.inc({ act: 'verify', outcome: outcome.kind })
  return outcome

  async function submit(): Promise<CheckOutcome> {
    const submitted = await submitCode(services, { act, entersFor: 'verify', entered, repeat })
    if (submitted.kind === 'repeated') return { kind: 'verified' }
    if (submitted.kind === 'mismatch') return { kind: 'refused' }
    if (submitted.kind !== 'match') return submitted
    const isOwn = act.purpose === 'own-contact'
    const used = await services.store.verifications.use({
      id: submitted.record.id,
      wrong: submitted.wrong,
      consumes: isOwn,
      ...(isOwn && { proof: { login: memberAct.session.token.login, lastsMs: proofMs } }),
      ...(repeat !== undefined && { repeat }),
    })
    reached('after-use', submitted.record.id)
    if (!used) {
      services.recordRefusal(act, { act: 'verify', reason: 'used', verification: submitted.record.id })
      return { kind: 'refused' }
    }
    countUse(services, submitted.record, used)
    return { kind: 'verified' }
  }
}
