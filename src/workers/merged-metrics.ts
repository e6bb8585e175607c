/** Merges the metrics of several processes into one set, whose counters never go back when a process ends. */

import {
  AggregatorRegistry,
  Counter,
  Gauge,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client'

/** All metrics of a process at one moment, as `Registry.getMetricsAsJSON` gives them. */
export type Snapshot = readonly MetricObjectWithValues<MetricValue<string>>[]

/** @param workers  Asked at each reading. */
export function createMergedMetrics(workers: () => readonly { readonly isReady: boolean }[]) {
  const latest = new Map<number, Snapshot>()
  // The counts of ended processes: without them sums would shrink, which looks like a restart of everything.
  let ended: Promise<Snapshot> = Promise.resolve([])
  const own = createWorkerMetrics(workers)

  return {
    ends: own.ends,
    /** @param worker  A number that no other process has or had. */
    tell(worker: number, snapshot: Snapshot): void {
      latest.set(worker, snapshot)
    },
    /** Keeps the counts that the ended process last reported. */
    end(worker: number): void {
      const counted = (latest.get(worker) ?? []).filter(({ type }) => isCounted(type))
      latest.delete(worker)
      ended = ended.then((before) =>
        // A process of another version may have metrics that cannot be added to these.
        Promise.try(() => merged([before, counted]).getMetricsAsJSON()).catch(() => before),
      )
    },
    async read(): Promise<string> {
      return merged([...latest.values(), await ended, await own.registry.getMetricsAsJSON()]).metrics()
    },
  }
}

export function createWorkerMetrics(workers: () => readonly { readonly isReady: boolean }[]) {
  const registry = new Registry()
  const registers = [registry]
  new Gauge({
    name: 'countersign_workers',
    help: 'Processes that serve.',
    registers,
    collect() {
      this.set(workers().filter((one) => one.isReady).length)
    },
  })
  const ends = new Counter({
    name: 'countersign_worker_ends_total',
    help: 'Processes that ended and were not told to.',
    registers,
  })
  return { registry, ends }
}

/** prom-client writes the type in words that its declarations have as numbers. */
function isCounted(type: unknown): boolean {
  return type === 'counter' || type === 'histogram'
}

function merged(snapshots: readonly Snapshot[]): Registry {
  // Only from processes that could ask the store. Another has no value, which would hide the values of these.
  const withValues = snapshots.map((snapshot) =>
    snapshot.map((metric) => ({
      ...metric,
      values: metric.values.filter(({ value }) => !Number.isNaN(value)),
    })),
  )
  return AggregatorRegistry.aggregate(withValues as never) as Registry
}
