/** Counts unreadable receipts and refused calls of carriers, and logs one of them a minute for each carrier. */

import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'

const everyMs = 60_000

const words = {
  /** A receipt in a call that was accepted; the reason is its shape. */
  unread: 'a receipt could not be read',
  /** A whole call, which is not the carrier's, or not of the documented form. */
  refused: 'a call with receipts was refused',
} as const

/** @param now  Milliseconds that never go back. */
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
    // `count` has all since the last such line.
    log.warn(words[state], { provider, count: last.since, reason })
    last.at = now()
    last.since = 0
  }
}
