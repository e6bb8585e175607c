/** Receipts that could not be read, and calls of carriers that were refused: each counted, and one a minute logged for each carrier. */

import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'

const everyMs = 60_000

const words = {
  /** One in a call that was taken; the reason is how it is built. */
  unread: 'a receipt could not be read',
  /** A call as a whole: not the carrier's, or not as it documents them. */
  refused: 'a call with receipts was refused',
} as const

/** @param now  Milliseconds, never going back. */
export function receiptTrouble(
  state: keyof typeof words,
  metrics: Pick<Metrics, 'receipts'>,
  log: Pick<Log, 'warn'>,
  now: () => number = () => performance.now(),
): (provider: string, reason: string) => void {
  const told = new Map<string, { at: number; since: number }>()
  return (provider, reason) => {
    metrics.receipts.inc({ provider, country: '', state })
    const last = told.get(provider) ?? { at: Number.NEGATIVE_INFINITY, since: 0 }
    last.since++
    told.set(provider, last)
    if (now() - last.at < everyMs) return
    // Counted since the last such line.
    log.warn(words[state], { provider, count: last.since, reason })
    last.at = now()
    last.since = 0
  }
}
