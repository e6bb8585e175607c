/** How what becomes of messages gets into the store: those of one turn together, and again while the store is away. */

import type { OutboxEntry } from '../message/outbox-entry.ts'
import type { Dispatches } from '../store/dispatches.ts'
import type { Begun, Outbox, Settlement } from '../store/outbox.ts'
import { together } from './together.ts'

export type RecorderSettings = {
  readonly outbox: Outbox
  /** Asked when the answer to a settlement was lost. */
  readonly dispatches: Pick<Dispatches, 'of'>
  readonly isStopping: () => boolean
  readonly onError?: (what: string, error: unknown) => void
}

export type Recorder = {
  /** Marks a message as being handed over. @returns false if it is another's. @throws AppError `store.unavailable` */
  begin(mark: Begun): Promise<boolean>
  /** Puts a message back of which nothing was tried: it waits for room, and nothing is recorded. */
  postpone(entry: OutboxEntry, ms: number): Promise<void>
  /**
   * Records a dispatch, and tries until `deadline` (by `performance.now()`) while the store is away.
   * @returns Whether the message was given up by it, for all that the store has told.
   */
  record(settlement: Settlement, deadline: number): Promise<boolean>
}

const firstWaitMs = 100
const maxWaitMs = 2_000

export function createRecorder({ outbox, dispatches, isStopping, onError }: RecorderSettings): Recorder {
  const settleTogether = together((settlements: readonly Settlement[]) => outbox.settle(settlements))
  const beginTogether = together((marks: readonly Begun[]) => outbox.begin(marks))

  /** Of a settlement that was told before, whose answer did not come: the store may have done it all the same. */
  async function wasGivenUp(settlement: Settlement): Promise<boolean> {
    const { verification, dispatch, next } = settlement
    if (next.kind !== 'failed' || verification === '') return false
    const recorded = await dispatches.of(verification)
    return recorded.some(
      (one) =>
        one.message === dispatch.messageId &&
        one.nth === settlement.nth &&
        one.next === 'failed' &&
        !one.isLate,
    )
  }

  return {
    async begin(mark) {
      const { written, at } = beginTogether(mark)
      return (await written)[at]!
    },

    async postpone({ message, verification, queuedAt }, ms) {
      // Should the store be away, the lease runs out and brings the message back.
      await outbox
        .postpone([{ messageId: message.id, queuedAt, verification: verification?.id ?? '' }], ms)
        .catch((error) => onError?.('postpone', error))
    },

    async record(settlement, deadline) {
      // Until the store knows, the lease keeps others off; after that the message goes out once more, the same
      // code under the same id.
      let hasFailed = false
      for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, maxWaitMs)) {
        try {
          const { written, at } = settleTogether(settlement)
          return (await written)[at]! || (hasFailed && (await wasGivenUp(settlement)))
        } catch (error) {
          hasFailed = true
          onError?.('settle', error)
          if (isStopping() || performance.now() > deadline) return false
          await new Promise((resolve) => setTimeout(resolve, waitMs))
        }
      }
    },
  }
}
