/** Moves verifications that are over from Redis to the history: kept there first, then dropped here. */

import type { History } from '../postgres/history.ts'
import type { Calls } from './calls.ts'
import type { Layout } from './layout.ts'
import { parseRecord, type RedisRecord } from './records.ts'

export type Archive = {
  /** Moves what is over now, a piece of each shard. @returns Whether more is. */
  move(): Promise<boolean>
  /** Until nothing more is over. */
  catchUp(): Promise<void>
  /** Ms that the oldest one which is over has been waiting for; 0: none is. */
  behindMs(until: number, now: number): Promise<number>
}

const piece = 500
/** One that messages still name is looked at again after so long. */
const keepMs = 60_000

/** @param untilOf  The deadline of a call that begins now. */
export function createArchive(
  calls: Calls,
  layout: Layout,
  history: History,
  untilOf: () => number,
): Archive {
  async function moveIn(shard: number): Promise<boolean> {
    const { ends, records, live } = layout.of[shard]!
    const found = { name: 'over', shard, keys: [ends, records], args: [piece], until: untilOf() } as const
    const [, , ...texts] = await calls.call(found)
    if (texts.length === 0) return false
    const over = texts.map(parseRecord)
    // Kept twice if this fails in between, which is the same as once.
    await history.keep(untilOf(), over.filter((one) => !('isLost' in one)).map(rowOf))
    await calls.call({
      name: 'archived',
      shard,
      keys: [ends, records, live],
      args: [JSON.stringify(over.map((one) => one.id)), keepMs],
      until: untilOf(),
    })
    return texts.length === piece
  }

  async function move(): Promise<boolean> {
    const due = await Promise.all(
      layout.of.map(async ({ ends }, shard) => {
        const [first] = (await calls.command(untilOf(), 'ZRANGE', ends, 0, 0)) as string[]
        return first === undefined ? [] : [shard]
      }),
    )
    let isMore = false
    for (const shard of due.flat()) if (await moveIn(shard)) isMore = true
    return isMore
  }

  let catchingUp: Promise<void> | undefined
  async function moveAll(): Promise<void> {
    while (await move());
  }

  return {
    move,
    // Who asks while it is under way waits for it, and does not move the same once more beside it.
    catchUp() {
      catchingUp ??= moveAll().finally(() => {
        catchingUp = undefined
      })
      return catchingUp
    },
    async behindMs(until, now) {
      const oldest = await Promise.all(
        layout.of.map(async ({ ends }) => {
          const [, endedAt] = (await calls.command(until, 'ZRANGE', ends, 0, 0, 'WITHSCORES')) as string[]
          return endedAt === undefined ? 0 : Math.max(0, now - Number(endedAt))
        }),
      )
      return Math.max(...oldest)
    },
  }
}

function rowOf(record: RedisRecord) {
  const { digest: _digest, messages: _messages, broughtBy: _broughtBy, usedAt = null, ...rest } = record
  return { ...rest, usedAt }
}
