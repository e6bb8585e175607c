/** Changes a contact: right code, proof and change in one step, and notices to the contacts concerned. */

import { reached } from '../delivery/crash-points.ts'
import type { Member } from '../directory/directory.ts'
import type { Throttled } from '../throttle/acquire.ts'
import { countUse } from './count-use.ts'
import { noticesOf } from './notices.ts'
import type { Services } from './services.ts'
import { actOf, type MemberAct } from './subject.ts'
import { submitCode } from './submit-code.ts'

export type ChangeOutcome =
  | { readonly kind: 'changed' }
  | { readonly kind: 'refused' }
  /** No present contact was proved in time. */
  | { readonly kind: 'unproven' }
  /** Another member of the tenant, who is not disabled, has the address. */
  | { readonly kind: 'bound' }
  /** A change was undone lately. */
  | { readonly kind: 'barred'; readonly retryAfterMs: number }
  | Throttled

/** How often in a row the member's contacts may change during this act before it gives up. */
const maxTries = 3

/**
 * Stores a new contact of the caller.
 * @param country  The wire's country key of a phone; null for an e-mail address.
 * @throws AppError `store.unavailable`. The change may have been made all the same, but the caller got no success.
 */
export async function changeContact(
  services: Services,
  memberAct: MemberAct,
  entered: string,
  country: string | null,
  locale: string,
  repeat: string | undefined,
): Promise<ChangeOutcome> {
  const outcome = await change()
  services.metrics.submissions.inc({ act: 'update', outcome: outcome.kind })
  return outcome

  async function change(): Promise<ChangeOutcome> {
    // The purpose is always that of a new contact: a code for a present contact proves that contact and nothing more.
    const act = actOf(memberAct, 'new-contact')
    const submitted = await submitCode(services, { act, entersFor: 'update', entered, repeat })
    if (submitted.kind === 'repeated') return { kind: 'changed' }
    if (submitted.kind === 'mismatch') return { kind: 'refused' }
    if (submitted.kind !== 'match') return submitted
    const { session, address } = memberAct
    let member: Member | undefined = session.member
    for (let tries = 0; tries < maxTries && member; tries++) {
      const hasContact = member.phone !== null || member.email !== null
      const result = await services.store.directory.changeContact({
        tenant: session.tenant.id,
        app: session.app.id,
        member: member.id,
        verification: submitted.record.id,
        wrong: submitted.wrong,
        address,
        country,
        seen: { phone: member.phone, email: member.email },
        provedBy: hasContact && services.policyOf(session.app).needsProof ? session.token.login : null,
        notices: noticesOf(
          member,
          { tenant: session.tenant.id, app: session.app.id, address, locale, now: services.clock.now() },
          services,
        ),
        lease: services.lease,
        ...(repeat !== undefined && { repeat }),
      })
      if (result.kind === 'stale') {
        member = await services.store.directory.member(session.member.id)
        continue
      }
      services.sessions.forget(session.member.id)
      if (result.kind !== 'changed') {
        const verification = submitted.record.id
        services.recordRefusal(act, { act: 'update', reason: result.kind, verification })
        return result
      }
      reached('after-use', submitted.record.id)
      countUse(services, submitted.record, result.used)
      for (const entry of result.entries) services.handOver(entry)
      return { kind: 'changed' }
    }
    return { kind: 'refused' }
  }
}
