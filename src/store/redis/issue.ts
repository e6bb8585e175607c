/** The verb `issue` in Redis: one function call where the address lies, after the hits on limiters that lie elsewhere. */

import { newOutboxEntry } from '../../message/outbox-entry.ts'
import { asCallersSee } from '../../verification/stored-verification.ts'
import { partitionOfId } from '../../verification/verification.ts'
import { newVerification } from '../verbs/issue.ts'
import type { IssueRequest, IssueResult } from '../verifications.ts'
import type { Calls } from './calls.ts'
import { digestOfKey, type Layout } from './layout.ts'
import { isClaimedByAnother, keptResultOf, onceOption, optionsOf, type ReadVerification } from './once.ts'
import { parseRecord, type RedisRecord, unchangingOf, verificationOf } from './records.ts'
import { memberSetMs, refusedOption, reserve, throttledBy, throttledHere } from './reservations.ts'

/** @param read  For a call that comes again. */
export async function issue(
  calls: Calls,
  layout: Layout,
  read: ReadVerification,
  areEventsRead: (app: string) => boolean,
  until: number,
  request: IssueRequest,
): Promise<IssueResult> {
  const { id, key, details, message, lease, lifetimeMs, maxSubmissions, isHeld, keepsLive, once } = request
  const home = layout.shardOf(partitionOfId(id))
  const member = { ...layout.member(key.tenant, key.subject), id }
  if (once && layout.shards > 1 && (await isClaimedByAnother(calls, layout, until, once)))
    return { kind: 'mismatch' }
  const reservation = await reserve(calls, layout, until, home, request.limits, member)
  const { local, localMember, refusals } = reservation
  if (refusals.length > 0 && !keepsLive && !once) return throttledBy(refusals)
  const [kind, now, text] = await calls.call({
    name: 'issue',
    shard: home,
    limits: local.map((one) => one.limit),
    keys: [
      ...local.map((one) => one.limiter),
      ...(localMember ? [localMember.key] : []),
      ...(once ? [layout.once(home, once.key)] : []),
      ...(details ? [layout.asked(home, key.app)] : []),
    ],
    args: [
      digestOfKey(key),
      id,
      unchangingOf(request, areEventsRead(key.app)),
      lifetimeMs,
      ...messageArgs(message, lease),
      localMember ? memberSetMs : '',
      optionsOf(
        `max=${maxSubmissions}`,
        isHeld && 'held',
        keepsLive && `quiet=${keepsLive.quietMs}`,
        refusedOption(refusals),
        onceOption(once),
        details && 'asked',
      ),
    ],
    until,
  })
  if (kind !== 'issued' && kind !== 'live') await reservation.undo(until)
  switch (kind) {
    case 'throttled':
      return throttledHere(refusals, text)
    case 'mismatch':
      return { kind }
    case 'kept': {
      const { retryAfterMs = null, record } = sentIn(text)
      return { kind, record: verificationOf(record!), now, retryAfterMs }
    }
    case 'replayed':
      return { ...(await keptResultOf(text, read)), replayed: true } as IssueResult
  }
  const { record: live, sendAfterMs } = keepsLive
    ? sentIn(text)
    : { record: kind === 'live' ? parseRecord(text) : undefined }
  const record = live ? verificationOf(live) : asCallersSee(newVerification(request, now))
  const entry = message && newOutboxEntry(message, now, record)
  return {
    kind: kind as 'issued' | 'live',
    record,
    now,
    ...(sendAfterMs !== undefined && { sendAfterMs }),
    ...(entry && { entry }),
  }
}

/** Answers of the function with more than a record. */
export function sentIn(text: unknown) {
  return JSON.parse(text as string) as {
    readonly record?: RedisRecord
    readonly sendAfterMs?: number
    readonly retryAfterMs?: number | null
    readonly second?: string
  }
}

/** A message in the form of the functions. */
export function messageArgs(message: IssueRequest['message'], lease: IssueRequest['lease']) {
  return [
    message?.id ?? '',
    message ? JSON.stringify(message) : '',
    JSON.stringify({ owner: lease.owner, dispatches: 1, unknowns: 0 }).slice(1),
    lease.ms,
  ]
}
