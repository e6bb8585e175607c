/** Dispatches that wait in Redis for the history: recorded there first, and only then dropped here. */

import { partitionOfId } from '../../verification/verification.ts'
import type { History } from '../history.ts'
import type { Settlement } from '../outbox.ts'
import { allWithin } from './all-within.ts'
import type { Calls } from './calls.ts'
import type { Layout } from './layout.ts'
import type { WaitingEvents } from './waiting-events.ts'

export type WaitingDispatches = ReturnType<typeof createWaitingDispatches>

/** How many dispatches of a shard are read at once, which takes this process some milliseconds. */
const piece = 256
/** The longest wait for a shard, so that dispatches in the others still reach the history. */
const waitMs = 200

/** A settlement in the form in which `settle` keeps it, with all that the history records. */
export function waitingDispatch(settlement: Settlement): { readonly name: string; readonly json: string } {
  const { dispatch, nth, message, ...rest } = settlement
  const { tenant, app, channel } = message
  const recorded = { ...rest, nth, dispatch, message: { tenant, app, channel, cooldown: [] } }
  return { name: `${dispatch.messageId}:${nth}`, json: JSON.stringify(recorded satisfies Settlement) }
}

/** @param events  Those of a dispatch are in the history before it, so that no event of its receipts comes before them. */
export function createWaitingDispatches(
  calls: Calls,
  layout: Layout,
  history: History,
  events: WaitingEvents,
) {
  /** @returns Fields and values of the hash by turns, and whether there are more. */
  async function read(until: number, shard: number) {
    const { dispatched } = layout.of[shard]!
    const [cursor, fields] = (await calls.command(until, 'HSCAN', dispatched, 0, 'COUNT', piece)) as [
      string,
      string[],
    ]
    return { shard, fields, isMore: cursor !== '0' }
  }

  /** @returns Whether there were any, and the shards that have more. */
  async function movePiece(until: number, shards: readonly number[]) {
    const pieces: Awaited<ReturnType<typeof read>>[] = []
    const reading = shards.map(async (shard) => void pieces.push(await read(until, shard)))
    const failure = await allWithin(Math.min(waitMs, until - performance.now()), reading)
    const found = pieces.filter(({ fields }) => fields.length > 0)
    const texts = found.flatMap(({ fields }) => fields.filter((_, i) => i % 2 === 1))
    if (texts.length > 0) {
      await events.move(
        until,
        found.map(({ shard }) => shard),
      )
      await record(until, texts)
    }
    // If this fails they are recorded again later, which changes nothing.
    const dropping = found.map(({ shard, fields }) =>
      calls.command(until, 'HDEL', layout.of[shard]!.dispatched, ...fields.filter((_, i) => i % 2 === 0)),
    )
    await Promise.all(dropping)
    if (failure) throw failure
    return {
      hadAny: texts.length > 0,
      left: found.filter(({ isMore }) => isMore).map(({ shard }) => shard),
    }
  }

  async function record(until: number, texts: readonly string[]): Promise<void> {
    const settlements = texts.map((text) => JSON.parse(text.slice(1)) as Settlement)
    const late = settlements.filter((_, i) => texts[i]!.startsWith('1'))
    await history.record(until, settlements, new Set(late))
  }

  /** Moves all that wait in some shards. @returns Whether there were any. */
  async function move(until: number, shards: readonly number[]): Promise<boolean> {
    let hadAny = false
    for (let left = shards; left.length > 0; ) {
      const moved = await movePiece(until, left)
      hadAny ||= moved.hadAny
      left = moved.left
    }
    return hadAny
  }

  return {
    movePiece,
    move,

    /** Moves the dispatches of a verification, together with others on its shard. */
    async moveOf(until: number, verification: string): Promise<void> {
      const shard = layout.shardOf(partitionOfId(verification))
      if (layout.of[shard]) await move(until, [shard])
    },
  }
}
