/** Polls the outbox for due messages: often while some may come due, seldom at rest. */

import type { OutboxEntry } from '../message/outbox-entry.ts'

export type OutboxPollSettings = {
  readonly claim: (max: number) => Promise<readonly OutboxEntry[]>
  /** How many more may be claimed now, and whether it is worth an extra claim. */
  readonly claimable: () => number
  readonly isLow: () => boolean
  readonly take: (entry: OutboxEntry) => void
  readonly onError?: (what: string, error: unknown) => void
  /** Milliseconds, never going back. Default: `performance.now()`. */
  readonly now?: () => number
}

export type OutboxPoll = {
  /** A message of this process comes due in so long. */
  expect(ms: number): void
  /** There is capacity for more: asks at once if more are known to be due. */
  onCapacity(): void
  start(): void
  stop(): void
}

export const pollMs = 250
/**
 * The interval at rest. Messages that come due then are those of another process: one that died, whose leases take seconds
 * to run out anyway, or a command that queued a notice.
 */
const maxPollMs = 2_000

export function createOutboxPoll(settings: OutboxPollSettings): OutboxPoll {
  const { claim, claimable, isLow, take, onError, now = () => performance.now() } = settings
  let timer: NodeJS.Timeout | undefined
  let isPolling = false
  let isMoreDue = false
  let isStopped = false
  /** By `now`, as are the others. */
  let nextPollAt = Number.POSITIVE_INFINITY
  let waitMs = pollMs
  /** The time until which messages of this process come due. */
  let expectedUntil = 0

  function pollIn(ms: number): void {
    if (isStopped) return
    const at = now() + ms
    if (at >= nextPollAt) return
    nextPollAt = at
    // A poll under way sets the timer when it ends.
    if (isPolling) return
    clearTimeout(timer)
    timer = setTimeout(poll, ms)
  }

  async function poll(): Promise<void> {
    if (isPolling || isStopped) return
    isPolling = true
    clearTimeout(timer)
    nextPollAt = Number.POSITIVE_INFINITY
    const max = claimable()
    let isQuiet = false
    if (max > 0)
      try {
        const entries = await claim(max)
        isMoreDue = entries.length === max
        isQuiet = entries.length === 0 && now() > expectedUntil
        for (const entry of entries) take(entry)
      } catch (error) {
        isMoreDue = false
        onError?.('claim', error)
      }
    isPolling = false
    if (isStopped) return
    waitMs = isQuiet ? Math.min(waitMs * 2, maxPollMs) : pollMs
    const dueAt = nextPollAt
    nextPollAt = Number.POSITIVE_INFINITY
    pollIn(Math.max(0, Math.min(waitMs, dueAt - now())))
    onCapacity()
  }

  function onCapacity(): void {
    if (isMoreDue && isLow()) void poll()
  }

  return {
    expect(ms) {
      expectedUntil = Math.max(expectedUntil, now() + ms + pollMs)
      pollIn(Math.min(ms, pollMs))
    },
    onCapacity,
    start: () => void poll(),
    stop() {
      isStopped = true
      clearTimeout(timer)
    },
  }
}
