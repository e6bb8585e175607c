/** Writes settlements to the store: all of one turn together, and again while the store is away. */

import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { Dispatches } from '../store/dispatches.ts'
import type { Begun, Outbox, Settlement } from '../store/outbox.ts'
import { gatherByTurn } from './gather-by-turn.ts'

export type RecorderSettings = {
  readonly outbox: Outbox
  /** Read when the answer to a settlement was lost. */
  readonly dispatches: Pick<Dispatches, 'of'>
  readonly isStopping: () => boolean
  readonly onError?: (what: string, error: unknown) => void
}

export type Recording = {
  readonly settlement: Settlement
  /** By `performance.now()`. Until then the write is tried again while the store is away. */
  readonly deadline: number
  /**
   * Called once, when the settlement is written or is not tried any more.
   * @param isGivenUp  Whether this settlement gave the message up, as far as the store has answered.
   */
  onRecorded(isGivenUp: boolean): void
}

export type Recorder = {
  /** Marks a message as being handed over. @returns false if it is another's. @throws AppError `store.unavailable` */
  begin(mark: Begun): Promise<boolean>
  /** Puts back a message that was not handed over, to wait for capacity. Nothing is recorded. */
  postpone(entry: OutboxEntry, ms: number): Promise<void>
  record(recording: Recording): void
}

const firstWaitMs = 100
const maxWaitMs = 2_000

type Mark = {
  readonly mark: Begun
  readonly resolve: (isHeld: boolean) => void
  readonly reject: (error: unknown) => void
}

export function createRecorder({ outbox, dispatches, isStopping, onError }: RecorderSettings): Recorder {
  const mark = gatherByTurn<Mark>(async (marks) => {
    try {
      const held = await outbox.begin(marks.map((one) => one.mark))
      for (const [i, { resolve }] of marks.entries()) resolve(held[i]!)
    } catch (error) {
      for (const { reject } of marks) reject(error)
    }
  })

  /** @param isRepeat  An earlier answer was lost, so that the store may have written these before. */
  async function write(recordings: readonly Recording[], waitMs: number, isRepeat: boolean): Promise<void> {
    let givenUp: readonly boolean[]
    try {
      givenUp = await outbox.settle(recordings.map(({ settlement }) => settlement))
      if (isRepeat)
        givenUp = await Promise.all(
          recordings.map(async ({ settlement }, i) => givenUp[i]! || (await wasGivenUp(settlement))),
        )
    } catch (error) {
      onError?.('settle', error)
      return writeAgain(recordings, waitMs)
    }
    for (const [i, { onRecorded }] of recordings.entries()) onRecorded(givenUp[i]!)
  }

  /** Until they are written, leases keep other processes off. After that a message may go out again, with the same code and id. */
  async function writeAgain(recordings: readonly Recording[], waitMs: number): Promise<void> {
    const isOver = ({ deadline }: Recording) => isStopping() || performance.now() > deadline
    const left = recordings.filter((one) => !isOver(one))
    for (const one of recordings) if (!left.includes(one)) one.onRecorded(false)
    if (left.length === 0) return
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    return write(left, Math.min(waitMs * 2, maxWaitMs), true)
  }

  async function wasGivenUp(settlement: Settlement): Promise<boolean> {
    const { verification, dispatch, next, nth } = settlement
    if (next.kind !== 'failed' || verification === '') return false
    const recorded = await dispatches.of(verification)
    return recorded.some(
      (one) => one.message === dispatch.messageId && one.nth === nth && one.next === 'failed' && !one.isLate,
    )
  }

  return {
    begin: (begun) => new Promise((resolve, reject) => mark({ mark: begun, resolve, reject })),

    async postpone({ message, verification, queuedAt }, ms) {
      // Should the store be away, the lease runs out and brings the message back.
      await outbox
        .postpone([{ messageId: message.id, queuedAt, verification: verification?.id ?? '' }], ms)
        .catch((error) => onError?.('postpone', error))
    },

    record: gatherByTurn<Recording>((recordings) => void write(recordings, firstWaitMs, false)),
  }
}
