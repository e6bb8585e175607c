/** Messages whose last claim was not settled: whether the history knows what became of them. */

import type { OutboxEntry } from '../../message/outbox-entry.ts'
import type { DispatchKey, History, KeptDispatch } from '../history.ts'
import type { Calls } from './calls.ts'
import { entryOf } from './claim-due.ts'
import type { Layout } from './layout.ts'
import { type SettledEntry, settleCall } from './settle-call.ts'

/**
 * An owner that could not reach Redis any more has recorded its dispatch in the history. If the message ended by that,
 * it leaves the queue now and is not sent again.
 * @param unsettled  Claimed just now, all of the shard.
 * @returns Those still to be handed over. If the history has the dispatch as not taken, its hand-over is not `begun` any
 *   more, because it is known to have ended.
 */
export async function stillToSend(
  calls: Calls,
  layout: Layout,
  history: Pick<History, 'lookUp'>,
  until: number,
  shard: number,
  unsettled: readonly OutboxEntry[],
): Promise<readonly OutboxEntry[]> {
  // If the history cannot be read, nothing is known to have ended: better sent twice than not at all.
  const kept = await history.lookUp(until, unsettled.map(lastDispatchOf)).catch(() => [])
  const keptOf = new Map(kept.map((one) => [one.messageId, one]))
  const hasEnded = ({ message }: OutboxEntry) => {
    const dispatch = keptOf.get(message.id)
    return dispatch !== undefined && dispatch.next !== 'retry'
  }
  const ended = unsettled.filter(hasEnded)
  if (ended.length > 0) {
    const settled = ended.map((entry) => settledBy(entry, keptOf.get(entry.message.id)!))
    // If this fails, the messages come back here when their leases run out.
    await calls.call(settleCall(layout, shard, until, settled)).catch(() => undefined)
  }
  return unsettled
    .filter((entry) => !hasEnded(entry))
    .map((entry) => (keptOf.has(entry.message.id) ? withoutBegun(entry) : entry))
}

function lastDispatchOf({ verification, message, nth }: OutboxEntry): DispatchKey {
  return { verification: verification!.id, messageId: message.id, nth: nth - 1 }
}

function settledBy(
  { queuedAt, message, verification, nth }: OutboxEntry,
  dispatch: KeptDispatch,
): SettledEntry {
  return {
    entry: entryOf({ queuedAt, messageId: message.id }),
    nth,
    failedBy: dispatch.nth,
    next: dispatch.next === 'failed' ? 'failed' : 'done',
    outcome: dispatch.outcome,
    provider: '',
    verification: verification!.id,
    frees: message.cooldown,
    at: queuedAt,
  }
}

function withoutBegun({ begun: _, ...entry }: OutboxEntry): OutboxEntry {
  return entry
}
