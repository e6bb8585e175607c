/** The verb `takeSubmission` in Redis: one function call where the address lies, after the hits on limiters elsewhere. */

import { partitionOf } from '../../address/partition.ts'
import { decoyKeyOf, hitsOf, type Limit, limitsWith } from '../../throttle/acquire.ts'
import { endsLiveCode } from '../../throttle/ends-live-code.ts'
import type { SubmissionRequest, SubmissionResult } from '../verifications.ts'
import type { Calls } from './calls.ts'
import { digestOfKey, type Layout } from './layout.ts'
import { keptResultOf, onceOption, optionsOf, type ReadVerification } from './once.ts'
import { parseRecord, type RedisRecord, storedOf, verificationOf } from './records.ts'
import { reserve, throttledHere } from './reservations.ts'

/**
 * @param find  Finds a verification in Redis, by its id.
 * @param read  For a call that comes again.
 * @param inHistory  For a verification that was named by its id and is not in Redis any more.
 */
export async function takeSubmission(
  calls: Calls,
  layout: Layout,
  find: (until: number, id: string) => Promise<RedisRecord | undefined>,
  read: ReadVerification,
  inHistory: ReadVerification,
  until: number,
  request: SubmissionRequest,
): Promise<SubmissionResult> {
  const { key, id, counted, wrong, maxSubmissions, repeat, once } = request
  // One shard has every partition, and a partition costs a digest.
  const home = layout.shards === 1 ? 0 : layout.shardOf(partitionOf(key.address))
  const limits = [...counted, ...wrong]
  const isHere = ({ key }: Limit) => layout.shards === 1 || layout.limiter(key).shard === home
  // Looked up before a hit is made elsewhere: a hit that is undone afterwards would refuse other calls meanwhile.
  const hasEnded = id !== undefined && !limits.every(isHere) && !(await isKeptLive(id))
  const reservation = await reserve(calls, layout, until, home, hasEnded ? limits.filter(isHere) : limits)
  const { local, refusals } = reservation
  const decoys = local.flatMap(({ limit }, i) => {
    const decoyKey = decoyKeyOf(limit, id)
    return decoyKey === undefined ? [] : [{ number: i + 1, limiter: layout.limiterAt(home, decoyKey) }]
  })
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
        // The function knows whether it was guessed at.
        (refusals.some(({ scopes }) => endsLiveCode(scopes, 1)) ? 's' : ''),
      optionsOf(onceOption(once), once && `hits=${JSON.stringify(hitsElsewhere)}`),
    ],
    until,
  })
  const here = local.map((one) => one.limit).filter((limit) => wrong.includes(limit))
  const hitsHere = (isLive: boolean, at: number) => hitsOf(limitsWith(here, isLive, id), at)
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
      const isLive = kept.kind === 'taken'
      const all = [...hitsHere(isLive, kept.now), ...((isLive && hits) || [])]
      return { kind: 'taken', record, now: kept.now, wrong: all, replayed: true }
    }
  }
  if (id !== undefined && kind !== 'taken') {
    // It ended after it was looked up.
    await reservation.undo(until)
    const record = kind === 'unknown' ? await inHistory(id) : verificationOf(parseRecord(text))
    return { kind: 'taken', record, now, wrong: hitsHere(false, now) }
  }
  const hits = [...hitsHere(kind === 'taken', now), ...hitsElsewhere]
  // Read in both cases, which must take the same time.
  const found = verificationOf(parseRecord(text))
  return { kind: 'taken', record: kind === 'unknown' ? undefined : found, now, wrong: hits }

  async function isKeptLive(id: string): Promise<boolean> {
    const record = await find(until, id)
    // One whose time is over counts as ended, though nothing has marked it yet.
    return (
      record !== undefined &&
      storedOf(record).state === 'live' &&
      record.expiresAt > (calls.nowOf(home) ?? record.issuedAt)
    )
  }
}
