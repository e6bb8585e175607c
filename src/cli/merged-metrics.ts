/** The metrics of several processes as those of one, whose counters never go back when a process ends. */

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
  // What ended processes had counted: a sum that shrank would look like a restart of everything.
  let ended: Promise<Snapshot> = Promise.resolve([])
  const own = createWorkerMetrics(workers)

  return {
    ends: own.ends,
    /** @param worker  Unlike that of any other process, also of those that ended. */
    tell(worker: number, snapshot: Snapshot): void {
      latest.set(worker, snapshot)
    },
    /** Keeps what it had counted when it last told. */
    end(worker: number): void {
      const counted = (latest.get(worker) ?? []).filter(({ type }) => isCounted(type))
      latest.delete(worker)
      ended = ended.then((before) =>
        // Of other code than this one’s, it may count what cannot be added.
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
  // Of those that could ask the store: one that could not has no value, which would hide the others’.
  const withValues = snapshots.map((snapshot) =>
    snapshot.map((metric) => ({
      ...metric,
      values: metric.values.filter(({ value }) => !Number.isNaN(value)),
    })),
  )
  return AggregatorRegistry.aggregate(withValues as never) as Registry
}
