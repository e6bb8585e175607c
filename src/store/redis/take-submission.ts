/** The verb `takeSubmission` in Redis: one function call where the address lies, after the hits on limiters elsewhere. */

import { partitionOf } from '../../address/partition.ts'
import { hitsOf, limitsWith } from '../../throttle/acquire.ts'
import { endsLiveCode } from '../../throttle/ends-live-code.ts'
import type { SubmissionRequest, SubmissionResult } from '../verifications.ts'
import type { Calls } from './calls.ts'
import { digestOfKey, type Layout } from './layout.ts'
import { keptResultOf, onceOption, optionsOf, type ReadVerification } from './once.ts'
import { parseRecord, verificationOf } from './records.ts'
import { reserve, throttledHere } from './reservations.ts'

/**
 * @param read  For a call that comes again.
 * @param inHistory  For a verification that was named by its id and is not in Redis any more.
 */
export async function takeSubmission(
  calls: Calls,
  layout: Layout,
  read: ReadVerification,
  inHistory: ReadVerification,
  until: number,
  request: SubmissionRequest,
): Promise<SubmissionResult> {
  const { key, id, counted, wrong, maxSubmissions, repeat, once } = request
  // One shard has every partition, and a partition costs a digest.
  const home = layout.shards === 1 ? 0 : layout.shardOf(partitionOf(key.address))
  const reservation = await reserve(calls, layout, until, home, [...counted, ...wrong])
  const { local, refusals } = reservation
  const decoys = local.flatMap(({ limit: { decoyKey } }, i) =>
    decoyKey === undefined ? [] : [{ number: i + 1, limiter: layout.limiter(decoyKey).key }],
  )
  const hitsElsewhere = reservation.hitsOf(wrong)
  const [kind, now, text] = await calls.call({
    name: 'take_submission',
    shard: home,
    limits: local.map((one) => one.limit),
    keys: [
      ...(repeat === undefined ? [] : [layout.repeat(home, repeat)]),
      ...local.map((one) => one.limiter),
      ...decoys.map((one) => one.limiter),
      ...(once ? [layout.once(home, once.key)] : []),
    ],
    args: [
      digestOfKey(key),
      id ?? '',
      maxSubmissions,
      decoys.map((one) => one.number).join(),
      (repeat === undefined ? '' : 'r') +
        (refusals.length > 0 ? 'e' : '') +
        (refusals.some(({ scopes }) => endsLiveCode(scopes)) ? 's' : ''),
      optionsOf(onceOption(once), once && `hits=${JSON.stringify(hitsElsewhere)}`),
    ],
    until,
  })
  const here = local.map((one) => one.limit).filter((limit) => wrong.includes(limit))
  const hitsHere = (isLive: boolean, at: number) => hitsOf(limitsWith(here, isLive), at)
  switch (kind) {
    case 'repeated':
    case 'mismatch':
      await reservation.undo(until)
      return { kind }
    case 'throttled':
      await reservation.undo(until)
      return throttledHere(refusals, text)
    case 'replayed': {
      await reservation.undo(until)
      const { hits, record, ...kept } = await keptResultOf(text, read)
      const all = [...hitsHere(kept.kind === 'taken', kept.now), ...(hits ?? [])]
      return { kind: 'taken', record, now: kept.now, wrong: all, replayed: true }
    }
  }
  const hits = [...hitsHere(kind === 'taken', now), ...hitsElsewhere]
  if (id !== undefined && kind === 'unknown')
    return { kind: 'taken', record: await inHistory(id), now, wrong: hits }
  // Read in both cases, which must take the same time.
  const found = verificationOf(parseRecord(text))
  return { kind: 'taken', record: kind === 'unknown' ? undefined : found, now, wrong: hits }
}
