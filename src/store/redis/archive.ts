/** Moves verifications that are over from Redis to the history: kept there first, then dropped here. */

import type { History } from '../postgres/history.ts'
import type { Calls } from './calls.ts'
import type { Layout } from './layout.ts'
import { parseRecord, type RedisRecord } from './records.ts'

export type Archive = {
  /** Moves all that is over now. */
  catchUp(): Promise<void>
  /** Moves what is over from now on, until it is stopped. */
  start(): { stop(): Promise<void> }
}

const piece = 500
const pauseMs = 500
/** One that messages still name is looked at again after so long. */
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

  /** A piece of each shard. @returns Whether more is over. */
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
    // Who asks while it is under way waits for it, and does not move the same once more beside it.
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
          // What fails stays where it is, for the next time or another process.
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
