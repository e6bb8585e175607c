/** The metrics for Prometheus. Labels are from small fixed sets, never from input. */

import { createRequire } from 'node:module'
import type { Registry } from 'prom-client'
import { createLoopLag } from './loop-lag.ts'
import { collectProcessMetrics } from './process-metrics.ts'
import { CounterSeries, HistogramSeries, type Registers } from './series.ts'

export type Metrics = ReturnType<typeof createMetrics>

const require = createRequire(import.meta.url)

const seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Buckets for waits on people, and on phones that are switched off. */
const longSeconds = [0.5, 1, 2.5, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600]

export type ProviderState = { readonly name: string; readonly isOpen: boolean; readonly inFlight: number }

export type StoreState = { readonly queued: number; readonly oldestMs: number; readonly live: number }

/**
 * @param probe  Called at each scrape; undefined if the store does not answer.
 * @param providers  Called at each scrape.
 * @param isWritable  Called at each scrape: whether every part of the store takes writes, proved by one.
 */
export function createMetrics(
  probe: () => Promise<StoreState | undefined>,
  providers: () => readonly ProviderState[] = () => [],
  isWritable: () => Promise<boolean> = async () => false,
) {
  const series: never[] = []
  const registers: readonly Registers[] = [{ registerMetric: (one) => series.push(one) }]
  const loopLag = createLoopLag()
  let registry: Registry | undefined
  const metrics = {
    /** Made at the first scrape: prom-client is 83 modules, which a start need not wait for. */
    get registry(): Registry {
      registry ??= readableRegistry()
      return registry
    },
    loopLag,
    issues: new CounterSeries({
      name: 'countersign_issues_total',
      help: 'Codes asked for, by outcome.',
      labelNames: ['channel', 'outcome'] as const,
      registers,
    }),
    submissions: new CounterSeries({
      name: 'countersign_submissions_total',
      help: 'Codes entered, by what they were entered for and outcome.',
      labelNames: ['act', 'outcome'] as const,
      registers,
    }),
    passwords: new CounterSeries({
      name: 'countersign_passwords_total',
      help: 'Passwords entered at account logins: right, wrong, locked, or busy: not looked at for want of time.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    throttled: new CounterSeries({
      name: 'countersign_throttled_total',
      help: 'Refusals by a limit.',
      labelNames: ['act', 'scope'] as const,
      registers,
    }),
    dispatches: new CounterSeries({
      name: 'countersign_dispatches_total',
      help: 'Tries at handing a message to a provider.',
      labelNames: ['provider', 'channel', 'country', 'outcome'] as const,
      registers,
    }),
    lostCodes: new CounterSeries({
      name: 'countersign_lost_codes_total',
      help: 'Codes that no carrier took and that are not tried any more, by how the last try ended.',
      labelNames: ['channel', 'country', 'reason'] as const,
      registers,
    }),
    receipts: new CounterSeries({
      name: 'countersign_receipts_total',
      help: 'Receipts by what they say: a state that is news, repeated, stray, or unread for it could not be understood.',
      labelNames: ['provider', 'country', 'state'] as const,
      registers,
    }),
    webhookPosts: new CounterSeries({
      name: 'countersign_webhook_posts_total',
      help: 'Events posted to endpoints of apps by the class of the answer; lost: there was none.',
      labelNames: ['outcome'] as const,
      registers,
    }),
    cost: new CounterSeries({
      name: 'countersign_cost_total',
      help: 'What providers charge by their own word, each message once, in units of the currency.',
      labelNames: ['provider', 'country', 'currency'] as const,
      registers,
    }),
    used: new CounterSeries({
      name: 'countersign_used_total',
      help: 'Codes entered right for the first time, by the provider that brought them.',
      labelNames: ['provider', 'channel', 'country'] as const,
      registers,
    }),
    requestSeconds: new HistogramSeries({
      name: 'countersign_request_seconds',
      help: 'From a request read to its answer.',
      labelNames: ['route', 'status'] as const,
      buckets: seconds,
      registers,
    }),
    commitSeconds: new HistogramSeries({
      name: 'countersign_commit_seconds',
      help: 'From a store call to its durable answer.',
      labelNames: ['verb'] as const,
      buckets: seconds,
      registers,
    }),
    handOverSeconds: new HistogramSeries({
      name: 'countersign_hand_over_seconds',
      help: 'From a committed message to its acceptance by a provider.',
      labelNames: ['provider'] as const,
      buckets: seconds,
      registers,
    }),
    receiptSeconds: new HistogramSeries({
      name: 'countersign_receipt_seconds',
      help: 'From acceptance by a provider to its receipt that a message was delivered.',
      labelNames: ['provider'] as const,
      buckets: longSeconds,
      registers,
    }),
    useSeconds: new HistogramSeries({
      name: 'countersign_use_seconds',
      help: 'From the issue of a code to its first right submission.',
      labelNames: ['provider'] as const,
      buckets: longSeconds,
      registers,
    }),
  }
  return metrics

  function readableRegistry(): Registry {
    const promClient = require('prom-client') as typeof import('prom-client')
    const { Gauge } = promClient
    const registry = new promClient.Registry()
    const registers = [registry]
    collectProcessMetrics(promClient, registry, loopLag)
    for (const one of series) registry.registerMetric(one)
    // The aggregator merges the values of several workers.
    for (const [name, help, read, aggregator] of [
      [
        'countersign_provider_open',
        '1 while the provider is not handed messages, for it failed.',
        (one: ProviderState) => Number(one.isOpen),
        'max',
      ],
      [
        'countersign_provider_in_flight',
        'Messages handed to the provider and not answered yet.',
        (one: ProviderState) => one.inFlight,
        'sum',
      ],
    ] as const)
      new Gauge({
        name,
        help,
        aggregator,
        labelNames: ['provider'] as const,
        registers,
        collect() {
          for (const one of providers()) this.set({ provider: one.name }, read(one))
        },
      })
    // One probe for each scrape serves all three gauges, whichever is collected first.
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
        // All workers have the same store.
        aggregator: 'max',
        registers,
        async collect() {
          const now = await state()
          // No value instead of a zero, which would look counted.
          this.set(now ? read(now) : Number.NaN)
        },
      })
    gauge('countersign_outbox_messages', 'Messages not settled yet.', ({ queued }) => queued)
    gauge('countersign_outbox_oldest_seconds', 'Age of the oldest.', ({ oldestMs }) => oldestMs / 1000)
    gauge('countersign_live_verifications', 'Verifications that may still be used.', ({ live }) => live)
    new Gauge({
      name: 'countersign_store_writable',
      help: '1 while the store takes writes, proved by one.',
      aggregator: 'min',
      registers,
      async collect() {
        this.set(Number(await isWritable()))
      },
    })
    return registry
  }
}
