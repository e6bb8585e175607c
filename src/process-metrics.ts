/** prom-client's metrics of the process, with the delays of the event loop as `LoopLag` measures them. */

import type { Gauge, Registry } from 'prom-client'
import type { LoopLag } from './loop-lag.ts'

type PromClient = typeof import('prom-client')

/** prom-client's own measure of the event loop wakes the process a hundred times a second, whatever it does. */
const never = 2 ** 31 - 1

const delays = {
  min: ['minimum', 'min'],
  max: ['maximum', 'max'],
  mean: ['mean', 'average'],
  stddev: ['standard deviation', 'average'],
  p50: ['50th percentile', 'average'],
  p90: ['90th percentile', 'average'],
  p99: ['99th percentile', 'average'],
} as const

export function collectProcessMetrics(
  { collectDefaultMetrics, Gauge }: PromClient,
  register: Registry,
  { delays: measured }: LoopLag,
): void {
  collectDefaultMetrics({ register, eventLoopMonitoringPrecision: never })
  const gauges: [of: keyof typeof delays, gauge: Gauge][] = []
  for (const [of, [words, aggregator]] of Object.entries(delays)) {
    const name = `nodejs_eventloop_lag_${of}_seconds`
    register.removeSingleMetric(name)
    const gauge = new Gauge({
      name,
      help: `The ${words} of the event loop delays while the server answered.`,
      aggregator,
      registers: [register],
      // The first one sets all: they are of one time.
      ...(gauges.length === 0 && { collect: readAll }),
    })
    gauges.push([of as keyof typeof delays, gauge])
  }

  function readAll(): void {
    for (const [of, gauge] of gauges) gauge.set(secondsOf(of))
    measured.reset()
  }

  function secondsOf(of: keyof typeof delays): number {
    if (measured.count === 0) return Number.NaN // no value, rather than a zero that nobody measured
    const ns = of.startsWith('p') ? measured.percentile(Number(of.slice(1))) : measured[of as 'min']
    return ns / 1e9
  }
}
