/** Moves ended records from Redis to the history: writes them there first, then drops them here. */

import { randomHex } from '../../random.ts'
import type { History } from '../history.ts'
import { isOpen } from '../numbering.ts'
import { allWithin } from './all-within.ts'
import type { Calls } from './calls.ts'
import type { Layout } from './layout.ts'
import { endedOf, parseRecord, type RedisRecord } from './records.ts'
import type { WaitingDispatches } from './waiting-dispatches.ts'
import type { WaitingEvents } from './waiting-events.ts'

export type Archive = {
  /** Moves all dispatches, and all verifications that have ended by now. */
  catchUp(): Promise<void>
  /** Moves ended records from time to time, until it is stopped. */
  start(): { stop(): Promise<void> }
}

const piece = 500
const pauseMs = 500
/** How long a process has the turn for itself, a little less than the time until its next round. */
const turnMs = 400
/** The longest wait for the turn, in case the shard that has it hangs. */
const turnWaitMs = 100
/** When a verification that messages still name is checked again. */
const keepMs = 60_000

/** @param untilOf  The deadline of a call that begins now. */
export function createArchive(
  calls: Calls,
  layout: Layout,
  history: History,
  dispatches: WaitingDispatches,
  events: WaitingEvents,
  untilOf: () => number,
): Archive {
  const name = randomHex(8)

  async function moveEnded(shard: number): Promise<boolean> {
    const { ends, records, live } = layout.of[shard]!
    const call = { name: 'over', shard, keys: [ends, records], args: [piece], until: untilOf() } as const
    const [, , ...texts] = await calls.call(call)
    if (texts.length === 0) return false
    const over = texts.map(parseRecord)
    const found = over.filter((one) => !('isLost' in one))
    // If the next call fails, the same records are written again later, which changes nothing.
    await history.keep(untilOf(), found.map(endedOf))
    await events.publishExpired(untilOf(), shard, found.filter(isExpired))
    const apps = [...new Set(found.filter(isListed).map(({ app }) => app))]
    const lists = over.map((one) => ('isLost' in one || !isListed(one) ? 0 : apps.indexOf(one.app) + 1))
    await calls.call({
      name: 'archived',
      shard,
      keys: [ends, records, live, ...apps.map((app) => layout.asked(shard, app))],
      args: [JSON.stringify(over.map((one) => one.id)), keepMs, JSON.stringify(lists)],
      until: untilOf(),
    })
    return texts.length === piece
  }

  /** Moves a piece of each shard. @returns Whether there is more. @throws If a shard did not answer, after the others. */
  async function move(): Promise<boolean> {
    const answers = await Promise.allSettled(
      layout.of.map(({ ends, dispatched, events }, shard) =>
        calls.call({ name: 'behind', shard, keys: [ends, dispatched, events], args: [], until: untilOf() }),
      ),
    )
    const have = (at: number) =>
      answers.flatMap((one, shard) =>
        one.status === 'fulfilled' && Number(one.value[at]) > 0 ? [shard] : [],
      )
    const unmoved = await allWithin(Math.max(1, untilOf() - performance.now()), [
      events.move(untilOf(), have(4)),
    ])
    const { left } = await dispatches.movePiece(untilOf(), have(3))
    let isMore = left.length > 0
    for (const shard of have(2)) if (await moveEnded(shard)) isMore = true
    for (const one of answers) if (one.status === 'rejected') throw one.reason
    if (unmoved) throw unmoved
    return isMore
  }

  let catchingUp: Promise<void> | undefined
  async function moveAll(): Promise<void> {
    while (await move());
  }

  /** One process is enough for all. If it cannot be known whether one has the turn, several do the same work. */
  async function hasTurn(): Promise<boolean> {
    let answer: unknown = 'OK'
    const asked = calls
      .command(performance.now() + turnWaitMs, 'SET', layout.archiver, name, 'PX', turnMs, 'NX')
      .then((reply) => {
        answer = reply
      })
    await allWithin(turnWaitMs, [asked])
    return answer === 'OK'
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
      const moveIn = (ms: number, isMore = false) => {
        if (isStopped) return
        timer = setTimeout(() => {
          // After a failure everything stays here, for the next round or another process.
          moving = (async () => isMore || (await hasTurn()))()
            .then((has) => has && move())
            .then(
              (more) => moveIn(more ? 0 : pauseMs, more),
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

/** Found here first: an act that finds it marks it, and tells so. */
function isExpired({ state }: RedisRecord): boolean {
  return isOpen(state)
}

/** Among what its app has asked for. */
function isListed({ details }: RedisRecord): boolean {
  return details !== null && details !== undefined
}
