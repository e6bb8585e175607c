/** The verbs on a verification that its caller knows by the id: resend, hasten, cancel and solve. */

import { newOutboxEntry } from '../../message/outbox-entry.ts'
import { nextChannelIn } from '../../message/second.ts'
import { partitionOfId } from '../../verification/verification.ts'
import type { Once } from '../once.ts'
import type {
  CancelRequest,
  CancelResult,
  Ended,
  HastenRequest,
  HastenResult,
  ResendRequest,
  ResendResult,
  SolveRequest,
  SolveResult,
} from '../verifications.ts'
import type { Reply } from './call.ts'
import type { Calls } from './calls.ts'
import { entryOf } from './claim-due.ts'
import { messageArgs, sentIn } from './issue.ts'
import type { Layout } from './layout.ts'
import { keptResultOf, onceOption, optionsOf, type ReadVerification } from './once.ts'
import { parseRecord, verificationOf } from './records.ts'
import { refusedOption, reserve, throttledHere } from './reservations.ts'

/**
 * @param read  For a call that comes again.
 * @param inHistory  For a verification that is not in Redis any more.
 */
export function actsById(calls: Calls, layout: Layout, read: ReadVerification, inHistory: ReadVerification) {
  const homeOf = (id: string) => layout.shardOf(partitionOfId(id))
  const onceKeys = (id: string, once: Once | undefined) => (once ? [layout.once(homeOf(id), once.key)] : [])

  async function ended([kind, now, text]: Reply, id: string): Promise<Ended> {
    const record = kind === 'ended' ? verificationOf(parseRecord(text)) : await inHistory(id)
    return { kind: 'ended', record, now }
  }

  return {
    async resend(until: number, request: ResendRequest): Promise<ResendResult> {
      const { id, limits, maxSubmissions, message, lease, once } = request
      const home = homeOf(id)
      const reservation = await reserve(calls, layout, until, home, limits)
      const { local, refusals } = reservation
      const reply = await calls.call({
        name: 'issue',
        shard: home,
        limits: local.map((one) => one.limit),
        keys: [...local.map((one) => one.limiter), ...onceKeys(id, once)],
        args: [
          ...['', id, '', 0, ...messageArgs(message, lease), ''],
          optionsOf(`max=${maxSubmissions}`, 'resend', refusedOption(refusals), onceOption(once)),
        ],
        until,
      })
      const [kind, now, text] = reply
      if (kind !== 'live') await reservation.undo(until)
      switch (kind) {
        case 'throttled':
          return throttledHere(refusals, text)
        case 'mismatch':
          return { kind }
        case 'replayed':
          return { ...(await keptResultOf(text, read)), kind: 'sent', replayed: true } as ResendResult
        case 'live': {
          const { record: live, sendAfterMs } = sentIn(text)
          const record = verificationOf(live!)
          const entry = message && newOutboxEntry(message, now, record)
          return {
            kind: 'sent',
            record,
            now,
            ...(sendAfterMs !== undefined && { sendAfterMs }),
            ...(entry && { entry }),
          }
        }
      }
      return ended(reply, id)
    },

    async cancel(until: number, { id, once }: CancelRequest): Promise<CancelResult> {
      const shard = homeOf(id)
      const { records, live, events, eventCount } = layout.of[shard]!
      const keys = [records, live, events, eventCount, ...onceKeys(id, once)]
      const args = [id, optionsOf(onceOption(once))]
      const reply = await calls.call({ name: 'cancel', shard, keys, args, until })
      const [kind, now, text] = reply
      switch (kind) {
        case 'mismatch':
          return { kind }
        case 'replayed':
          return { ...(await keptResultOf(text, read)), replayed: true } as CancelResult
        case 'cancelled':
          return { kind, record: verificationOf(parseRecord(text)), now }
      }
      return ended(reply, id)
    },

    async hasten(until: number, { id, entry, maxSubmissions, once }: HastenRequest): Promise<HastenResult> {
      const shard = homeOf(id)
      const { records, live, events, eventCount, entries, due } = layout.of[shard]!
      const keys = [records, live, events, eventCount, entries, due, ...onceKeys(id, once)]
      const args = [id, entryOf(entry), optionsOf(`max=${maxSubmissions}`, onceOption(once))]
      const reply = await calls.call({ name: 'hasten', shard, keys, args, until })
      const [kind, now, text] = reply
      switch (kind) {
        case 'none':
        case 'mismatch':
          return { kind }
        case 'replayed': {
          const { second, record, now: at } = await keptResultOf(text, read)
          const { channel } = nextChannelIn(second!)
          return { kind: 'hastened', record: record!, now: at, channel, replayed: true }
        }
        case 'hastened': {
          const { second, record } = sentIn(text)
          return { kind, record: verificationOf(record!), now, channel: nextChannelIn(second!).channel }
        }
      }
      return ended(reply, id)
    },

    async solve(until: number, { id, lifetimeMs, message, lease, once }: SolveRequest): Promise<SolveResult> {
      const shard = homeOf(id)
      const { records, live, ends, bodies, entries, due, waiting, events, eventCount } = layout.of[shard]!
      const reply = await calls.call({
        name: 'solve',
        shard,
        keys: [
          ...[records, live, ends, bodies, entries, due, waiting, events, eventCount],
          ...onceKeys(id, once),
        ],
        args: [id, lifetimeMs, ...messageArgs(message, lease), optionsOf(onceOption(once))],
        until,
      })
      const [kind, now, text] = reply
      switch (kind) {
        case 'mismatch':
          return { kind }
        case 'replayed':
          return { ...(await keptResultOf(text, read)), replayed: true } as SolveResult
        case 'sent': {
          const record = verificationOf(parseRecord(text))
          const entry = message && newOutboxEntry(message, now, record)
          return { kind, record, now, ...(entry && { entry }) }
        }
      }
      return ended(reply, id)
    },
  }
}
