/** The verb `issue` in Redis: one function call where the address lies, after the hits on limiters that lie elsewhere. */

import { newOutboxEntry } from '../../message/outbox-entry.ts'
import { asCallersSee } from '../../verification/stored-verification.ts'
import { partitionOfId } from '../../verification/verification.ts'
import { newVerification } from '../verbs/issue.ts'
import type { IssueRequest, IssueResult } from '../verifications.ts'
import type { Calls } from './calls.ts'
import { digestOfKey, type Layout } from './layout.ts'
import { parseRecord, unchangingOf, verificationOf } from './records.ts'
import { memberSetMs, refusalOf, reserve, throttledBy } from './reservations.ts'

export async function issue(
  calls: Calls,
  layout: Layout,
  until: number,
  request: IssueRequest,
): Promise<IssueResult> {
  const { id, key, message, lease, lifetimeMs } = request
  const home = layout.shardOf(partitionOfId(id))
  const member = { ...layout.member(key.tenant, key.subject), id }
  const reservation = await reserve(calls, layout, until, home, request.limits, member)
  if (reservation.refusals.length > 0) return throttledBy(reservation.refusals)
  const { local, localMember } = reservation
  const [kind, now, text] = await calls.call({
    name: 'issue',
    shard: home,
    limits: local.map((one) => one.limit),
    keys: [...local.map((one) => one.limiter), ...(localMember ? [localMember.key] : [])],
    args: [
      digestOfKey(key),
      id,
      unchangingOf(request),
      lifetimeMs,
      message?.id ?? '',
      message ? JSON.stringify(message) : '',
      JSON.stringify({ owner: lease.owner, dispatches: 1, unknowns: 0 }).slice(1),
      lease.ms,
      localMember ? memberSetMs : '',
    ],
    until,
  })
  if (kind === 'throttled') {
    await reservation.undo(until)
    return throttledBy([refusalOf(text)])
  }
  const record =
    kind === 'live' ? verificationOf(parseRecord(text)) : asCallersSee(newVerification(request, now))
  const entry = message && newOutboxEntry(message, now, record)
  return { kind: kind as 'issued' | 'live', record, now, ...(entry && { entry }) }
}
