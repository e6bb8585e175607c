/** The verb `takeSubmission` in Redis: one function call where the address lies, after the hits on limiters elsewhere. */

import { partitionOf } from '../../address/partition.ts'
import { hitsOf, limitsWith } from '../../throttle/acquire.ts'
import { endsLiveCode } from '../../throttle/ends-live-code.ts'
import type { Verification } from '../../verification/verification.ts'
import type { SubmissionRequest, SubmissionResult } from '../verifications.ts'
import type { Calls } from './calls.ts'
import { digestOfKey, type Layout } from './layout.ts'
import { parseRecord, verificationOf } from './records.ts'
import { refusalOf, reserve, throttledBy } from './reservations.ts'

/** @param inHistory  Reads a verification that was named by its id and is not in Redis any more. */
export async function takeSubmission(
  calls: Calls,
  layout: Layout,
  inHistory: (id: string) => Promise<Verification | undefined>,
  until: number,
  request: SubmissionRequest,
): Promise<SubmissionResult> {
  const { key, id, counted, wrong, maxSubmissions, repeat } = request
  // One shard has every partition, and a partition costs a digest.
  const home = layout.shards === 1 ? 0 : layout.shardOf(partitionOf(key.address))
  const reservation = await reserve(calls, layout, until, home, [...counted, ...wrong])
  const { local, refusals } = reservation
  const decoys = local.flatMap(({ limit: { decoyKey } }, i) =>
    decoyKey === undefined ? [] : [{ number: i + 1, limiter: layout.limiter(decoyKey).key }],
  )
  const [kind, now, text] = await calls.call({
    name: 'take_submission',
    shard: home,
    limits: local.map((one) => one.limit),
    keys: [
      ...(repeat === undefined ? [] : [layout.repeat(home, repeat)]),
      ...local.map((one) => one.limiter),
      ...decoys.map((one) => one.limiter),
    ],
    args: [
      digestOfKey(key),
      id ?? '',
      maxSubmissions,
      decoys.map((one) => one.number).join(),
      (repeat === undefined ? '' : 'r') +
        (refusals.length > 0 ? 'e' : '') +
        (refusals.some(({ scopes }) => endsLiveCode(scopes)) ? 's' : ''),
    ],
    until,
  })
  if (kind === 'repeated') {
    await reservation.undo(until)
    return { kind }
  }
  if (kind === 'throttled') {
    if (refusals.length === 0) await reservation.undo(until)
    return throttledBy([...refusals, ...(text === '' ? [] : [refusalOf(text)])])
  }
  const here = local.map((one) => one.limit).filter((limit) => wrong.includes(limit))
  const hits = [...hitsOf(limitsWith(here, kind === 'taken'), now), ...reservation.hitsOf(wrong)]
  if (id !== undefined && kind === 'unknown')
    return { kind: 'taken', record: await inHistory(id), now, wrong: hits }
  // Read in both cases, which must take the same time.
  const found = verificationOf(parseRecord(text))
  return { kind: 'taken', record: kind === 'unknown' ? undefined : found, now, wrong: hits }
}
