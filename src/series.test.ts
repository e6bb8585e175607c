import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AggregatorRegistry, Counter, Histogram, Registry } from 'prom-client'
import { CounterSeries, HistogramSeries } from './series.ts'

const counter = { name: 'c_total', help: 'Counted.', labelNames: ['a', 'b'] as const }
const histogram = { name: 'h_seconds', help: 'Timed.', labelNames: ['a'] as const, buckets: [0.1, 1, 10] }

/** The same acts on ours and on prom-client's. */
function both(act: (metrics: Acted) => void): [Registry, Registry] {
  const [ours, theirs] = [new Registry(), new Registry()]
  act({
    counter: new CounterSeries({ ...counter, registers: [ours] }),
    histogram: new HistogramSeries({ ...histogram, registers: [ours] }),
  })
  act({
    counter: new Counter({ ...counter, registers: [theirs] }),
    histogram: new Histogram({ ...histogram, registers: [theirs] }),
  })
  return [ours, theirs]
}

type Acted = {
  readonly counter: { inc(labels: { a: string; b: number }, by?: number): void }
  readonly histogram: { observe(labels: { a: string }, value: number): void }
}

const acts = ({ counter, histogram }: Acted) => {
  counter.inc({ a: 'x', b: 200 })
  counter.inc({ b: 200, a: 'x' }, 2.5)
  counter.inc({ a: 'x', b: 404 })
  counter.inc({ a: 'y"\\\n', b: 200 }, 0)
  for (const value of [0, 0.1, 0.100001, 1, 9, 10, 11, 1e9]) histogram.observe({ a: 'x' }, value)
  histogram.observe({ a: 'z' }, 0.5)
}

test('what is counted and timed reads as prom-client writes it', async () => {
  const [ours, theirs] = both(acts)
  assert.equal(await ours.metrics(), await theirs.metrics())
  const [untouched, theirUntouched] = both(() => undefined)
  assert.equal(await untouched.metrics(), await theirUntouched.metrics())
})

test('what several processes counted adds up as with prom-client', async () => {
  const [ours, theirs] = both(acts)
  const sums = []
  for (const registry of [ours, theirs]) {
    const snapshot = JSON.parse(JSON.stringify(await registry.getMetricsAsJSON()))
    sums.push(await AggregatorRegistry.aggregate([snapshot, snapshot]).metrics())
  }
  assert.equal(sums[0], sums[1])
  assert.match(sums[0]!, /^c_total\{a="x",b="200"\} 7$/m)
})

test('labels that are changed afterwards change nothing', async () => {
  const registry = new Registry()
  const series = new CounterSeries({ ...counter, registers: [registry] })
  const labels = { a: 'x', b: 1 }
  series.inc(labels)
  labels.a = 'other'
  assert.match(await registry.metrics(), /^c_total\{a="x",b="1"\} 1$/m)
})
