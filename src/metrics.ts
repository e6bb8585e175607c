/** What is counted and timed, for Prometheus. Labels are from small fixed sets, never from input. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export type StoreState = { readonly queued: number; readonly oldestMs: number; readonly live: number }

/** @param probe  Asked at each scrape; undefined if the store does not answer. */
export function createMetrics(probe: () => Promise<StoreState | undefined>) {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const metrics = {
    registry,
    issues: new Counter({
      name: 'countersign_issues_total',
      help: 'Codes asked for, by outcome.',
      labelNames: ['channel', 'outcome'] as const,
      registers,
    }),
    submissions: new Counter({
      name: 'countersign_submissions_total',
      help: 'Codes entered, by what they were entered for and outcome.',
      labelNames: ['act', 'outcome'] as const,
      registers,
    }),
    throttled: new Counter({
      name: 'countersign_throttled_total',
      help: 'Refusals by a limit.',
      labelNames: ['act', 'scope'] as const,
      registers,
    }),
    dispatches: new Counter({
      name: 'countersign_dispatches_total',
      help: 'Tries at handing a message to a provider.',
      labelNames: ['provider', 'channel', 'outcome'] as const,
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'countersign_request_seconds',
      help: 'From a request read to its answer.',
      labelNames: ['route', 'status'] as const,
      buckets: seconds,
      registers,
    }),
    commitSeconds: new Histogram({
      name: 'countersign_commit_seconds',
      help: 'From a store call to its durable answer.',
      labelNames: ['verb'] as const,
      buckets: seconds,
      registers,
    }),
    handOverSeconds: new Histogram({
      name: 'countersign_hand_over_seconds',
      help: 'From a committed message to its acceptance by a provider.',
      labelNames: ['provider'] as const,
      buckets: seconds,
      registers,
    }),
  }
  // One probe a scrape serves all three gauges, whichever is collected first.
  let asked: ReturnType<typeof probe> | undefined
  const state = () => {
    asked ??= probe().finally(() => {
      asked = undefined
    })
    return asked
  }
  const gauge = (name: string, help: string, read: (state: StoreState) => number) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const now = await state()
        // No value, rather than a zero that nobody counted.
        this.set(now ? read(now) : Number.NaN)
      },
    })
  gauge('countersign_outbox_messages', 'Messages not settled yet.', ({ queued }) => queued)
  gauge('countersign_outbox_oldest_seconds', 'Age of the oldest.', ({ oldestMs }) => oldestMs / 1000)
  gauge('countersign_live_verifications', 'Verifications that may still be used.', ({ live }) => live)
  return metrics
}
