/** Counters and histograms that count in plain numbers and are read as prom-client's metrics. */

/** What a series is registered with, such as a registry of prom-client. */
export type Registers = { registerMetric(series: never): void }

type Description<L extends string> = {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly L[]
  readonly registers: readonly Registers[]
}

/** A value for each label, from a small fixed set. */
type Labels<L extends string> = Readonly<Record<L, string | number>>

type Cell<L extends string, V> = { readonly labels: Labels<L>; readonly value: V }

/**
 * The values of one metric by their labels. A look-up in a map for each label: prom-client makes and compares a text of
 * all labels at each observation, also of bound children (version 15, `lib/counter.js`, `lib/histogram.js`).
 */
class Cells<L extends string, V> {
  readonly all: Cell<L, V>[] = []
  readonly #root = new Map<string | number, unknown>()
  readonly #labelNames: readonly L[]
  readonly #create: () => V

  constructor(labelNames: readonly L[], create: () => V) {
    this.#labelNames = labelNames
    this.#create = create
  }

  valueOf(labels: Labels<L>): V {
    const names = this.#labelNames
    const last = names.length - 1
    let at = this.#root
    for (let i = 0; i < last; i++) {
      const key = labels[names[i]!]
      let next = at.get(key) as typeof at | undefined
      if (next === undefined) {
        next = new Map()
        at.set(key, next)
      }
      at = next
    }
    const key = labels[names[last]!]
    let value = at.get(key) as V | undefined
    if (value === undefined) {
      value = this.#create()
      at.set(key, value)
      this.all.push({ labels: { ...labels }, value })
    }
    return value
  }
}

/** A metric that only grows. */
export class CounterSeries<L extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly L[]
  readonly type = 'counter'
  readonly aggregator = 'sum'
  readonly #cells: Cells<L, { count: number }>

  constructor({ name, help, labelNames, registers }: Description<L>) {
    this.name = name
    this.help = help
    this.labelNames = labelNames
    this.#cells = new Cells(labelNames, () => ({ count: 0 }))
    // The registry's type names prom-client's own classes; it reads name, help, type and aggregator, and calls get.
    for (const registry of registers) registry.registerMetric(this as never)
  }

  /** @param by  At least 0. With 0 the series begins, so that its first event is an increase. */
  inc(labels: Labels<L>, by = 1): void {
    this.#cells.valueOf(labels).count += by
  }

  async get() {
    const { name, help, type, aggregator } = this
    const values = this.#cells.all.map(({ labels, value }) => ({ labels, value: value.count }))
    return { name, help, type, aggregator, values }
  }
}

type Observed = { readonly counts: Float64Array; sum: number }

/** How often observed values were at most each bound. */
export class HistogramSeries<L extends string> {
  readonly name: string
  readonly help: string
  readonly labelNames: readonly L[]
  readonly type = 'histogram'
  readonly aggregator = 'sum'
  readonly #bounds: readonly number[]
  readonly #cells: Cells<L, Observed>

  /** @param description.buckets  The bounds, ascending. */
  constructor({
    name,
    help,
    labelNames,
    registers,
    buckets,
  }: Description<L> & { readonly buckets: readonly number[] }) {
    this.name = name
    this.help = help
    this.labelNames = labelNames
    this.#bounds = buckets
    // One more for what is beyond all bounds.
    this.#cells = new Cells(labelNames, () => ({ counts: new Float64Array(buckets.length + 1), sum: 0 }))
    // The registry's type names prom-client's own classes; it reads name, help, type and aggregator, and calls get.
    for (const registry of registers) registry.registerMetric(this as never)
  }

  observe(labels: Labels<L>, value: number): void {
    const observed = this.#cells.valueOf(labels)
    const bounds = this.#bounds
    let at = 0
    while (at < bounds.length && value > bounds[at]!) at++
    observed.counts[at]!++
    observed.sum += value
  }

  async get() {
    const { name, help, type, aggregator } = this
    const values = this.#cells.all.flatMap(({ labels, value: { counts, sum } }) => {
      let count = 0
      const buckets = [...this.#bounds, '+Inf'].map((le, i) => {
        count += counts[i]!
        return { labels: { le, ...labels }, value: count, metricName: `${name}_bucket` }
      })
      return [
        ...buckets,
        { labels, value: sum, metricName: `${name}_sum` },
        { labels, value: count, metricName: `${name}_count` },
      ]
    })
    return { name, help, type, aggregator, values }
  }
}
