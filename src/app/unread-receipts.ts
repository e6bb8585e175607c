/** Receipts that could not be read: each counted, and told once a minute for each carrier with how one is built. */

import type { Log } from '../log.ts'
import type { Metrics } from '../metrics.ts'

const everyMs = 60_000

/** @param now  Milliseconds, never going back. */
export function unreadReceipts(
  metrics: Pick<Metrics, 'receipts'>,
  log: Pick<Log, 'warn'>,
  now: () => number = () => performance.now(),
): (provider: string, shape: string) => void {
  const told = new Map<string, { at: number; since: number }>()
  return (provider, shape) => {
    metrics.receipts.inc({ provider, country: '', state: 'unread' })
    const last = told.get(provider) ?? { at: Number.NEGATIVE_INFINITY, since: 0 }
    last.since++
    told.set(provider, last)
    if (now() - last.at < everyMs) return
    // Counted since the last such line.
    log.warn('a receipt could not be read', { provider, count: last.since, reason: shape })
    last.at = now()
    last.since = 0
  }
}
