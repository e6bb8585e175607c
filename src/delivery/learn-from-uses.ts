/** Reports to the measured order, for each carrier, how many of its ended codes were used. */

import type { Dispatches } from '../store/dispatches.ts'
import type { MeasuredOrder } from './measured-order.ts'

export type LearningSettings = {
  readonly dispatches: Dispatches
  /** Engine time, ms. */
  readonly now: () => Promise<number>
  readonly measured: MeasuredOrder
  /** The longest life of a code, ms: only after that an unused code counts as unused. */
  readonly lifetimeMs: number
  readonly onError?: (what: string, error: unknown) => void
}

export type Learning = {
  /** Reads the verifications that ended since the last poll. Each process reads each verification once. */
  poll(): Promise<void>
}

/** How far back a start reads, so that it does not begin without any figures. */
const readBackMs = 3_600_000
/** A use may be committed this much later than it is decided. */
const slackMs = 2_000
/** The most pages of one poll: a start with much to read spreads it over several polls and so spares the store. */
const maxPages = 50

export function createLearning(settings: LearningSettings): Learning {
  const { dispatches, measured, lifetimeMs, onError } = settings
  let cursor: string | number | undefined
  return {
    async poll() {
      try {
        const until = (await settings.now()) - lifetimeMs - slackMs
        cursor ??= until - readBackMs
        for (let pages = 0; pages < maxPages; pages++) {
          const page = await dispatches.tally(cursor, until)
          cursor = page.cursor
          measured.observe(page.tallies)
          if (!page.isMoreDue) break
        }
      } catch (error) {
        onError?.('learning', error) // the next poll goes on from the same place
      }
    },
  }
}
