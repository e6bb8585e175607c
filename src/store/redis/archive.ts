/** Moves ended verifications from Redis to the history: writes them there first, then drops them here. */

import type { History } from '../history.ts'
import type { Calls } from './calls.ts'
import type { Layout } from './layout.ts'
import { parseRecord, type RedisRecord } from './records.ts'

export type Archive = {
  /** Moves all verifications that have ended by now. */
  catchUp(): Promise<void>
  /** Goes on moving verifications as they end, until it is stopped. */
  start(): { stop(): Promise<void> }
}

const piece = 500
const pauseMs = 500
/** A verification that messages still name is looked at again after this time. */
const keepMs = 60_000

/** @param untilOf  The deadline of a call that begins now. */
export function createArchive(
  calls: Calls,
  layout: Layout,
  history: History,
  untilOf: () => number,
): Archive {
  async function movePiece(shard: number): Promise<boolean> {
    const { ends, records, live } = layout.of[shard]!
    const found = { name: 'over', shard, keys: [ends, records], args: [piece], until: untilOf() } as const
    const [, , ...texts] = await calls.call(found)
    if (texts.length === 0) return false
    const over = texts.map(parseRecord)
    // If the next call fails, the same records are written again later, which changes nothing.
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

  /** Moves a piece of each shard. @returns Whether more verifications have ended. */
  async function move(): Promise<boolean> {
    const due = await Promise.all(
      layout.of.map(async ({ ends }, shard) => {
        const [first] = (await calls.command(untilOf(), 'ZRANGE', ends, 0, 0)) as string[]
        return first === undefined ? [] : [shard]
      }),
    )
    let isMore = false
    for (const shard of due.flat()) if (await movePiece(shard)) isMore = true
    return isMore
  }

  let catchingUp: Promise<void> | undefined
  async function moveAll(): Promise<void> {
    while (await move());
  }

  return {
    // A second caller waits for the run under way, instead of moving the same records again beside it.
    catchUp() {
      catchingUp ??= moveAll().finally(() => {
        catchingUp = undefined
      })
      return catchingUp
    },
    start() {
      let moving: Promise<void> = Promise.resolve()
      let timer: NodeJS.Timeout | undefined
      let isStopped = false
      const moveIn = (ms: number) => {
        if (isStopped) return
        timer = setTimeout(() => {
          // After a failure the records stay here, for the next round or another process.
          moving = move().then(
            (isMore) => moveIn(isMore ? 0 : pauseMs),
            () => moveIn(pauseMs),
          )
        }, ms).unref()
      }
      moveIn(pauseMs)
      return {
        async stop() {
          isStopped = true
          clearTimeout(timer)
          await moving
        },
      }
    },
  }
}

function rowOf(record: RedisRecord) {
  const { digest: _digest, messages: _messages, broughtBy: _broughtBy, usedAt = null, ...rest } = record
  return { ...rest, usedAt }
}
