/** Brings the measured order what there is to learn: how the codes of each carrier fared, once they have ended. */

import type { Dispatches } from '../store/dispatches.ts'
import type { MeasuredOrder } from './measured-order.ts'

export type LearningSettings = {
  readonly dispatches: Dispatches
  /** Engine time, ms. */
  readonly now: () => Promise<number>
  readonly measured: MeasuredOrder
  /** The longest life of a code, ms: until then an unused one says nothing. */
  readonly lifetimeMs: number
  readonly onError?: (what: string, error: unknown) => void
}

export type Learning = {
  /** Reads what has ended since the last time. Every verification is read once, by each process for itself. */
  look(): Promise<void>
}

/** What a start looks back on, so that it does not begin as if nothing were known. */
const lookBackMs = 3_600_000
/** A use is committed a little later than it is decided. */
const slackMs = 2_000
/** A start with much behind it learns over several looks, and leaves the store to others in between. */
const mostPages = 50

export function createLearning(settings: LearningSettings): Learning {
  const { dispatches, measured, lifetimeMs, onError } = settings
  let cursor: string | number | undefined
  return {
    async look() {
      try {
        const until = (await settings.now()) - lifetimeMs - slackMs
        cursor ??= until - lookBackMs
        for (let pages = 0; pages < mostPages; pages++) {
          const page = await dispatches.tally(cursor, until)
          cursor = page.cursor
          measured.observe(page.tallies)
          if (!page.isMoreDue) break
        }
      } catch (error) {
        onError?.('learning', error) // the next look goes on from the same place
      }
    },
  }
}
