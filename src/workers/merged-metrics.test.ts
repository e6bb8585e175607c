import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics } from '../metrics.ts'
import { createMergedMetrics, type Snapshot } from './merged-metrics.ts'

function processWith({ queued = 0, isOpen = false }: { queued?: number | undefined; isOpen?: boolean } = {}) {
  const metrics = createMetrics(
    async () => (Number.isNaN(queued) ? undefined : { queued, oldestMs: 0, live: 0 }),
    () => [{ name: 'mail', isOpen, inFlight: 2 }],
  )
  return {
    metrics,
    snapshot: async () => (await metrics.registry.getMetricsAsJSON()) as unknown as Snapshot,
  }
}

const sampleOf = (text: string, sample: string) => {
  const line = text.split('\n').find((one) => one.startsWith(`${sample} `))
  return line === undefined ? undefined : Number(line.slice(sample.length + 1))
}
const issued = 'countersign_issues_total{channel="sms",outcome="issued"}'

test('counters and histograms of processes are added, and what shows one store is shown once', async () => {
  const merged = createMergedMetrics(() => [{ isReady: true }, { isReady: false }])
  for (const worker of [1, 2]) {
    const { metrics, snapshot } = processWith({ queued: 7 })
    metrics.issues.inc({ channel: 'sms', outcome: 'issued' }, worker)
    metrics.commitSeconds.observe({ verb: 'use' }, 0.002)
    merged.tell(worker, await snapshot())
  }
  const text = await merged.read()
  assert.equal(sampleOf(text, issued), 3)
  assert.equal(sampleOf(text, 'countersign_commit_seconds_count{verb="use"}'), 2)
  assert.equal(sampleOf(text, 'countersign_commit_seconds_bucket{le="0.0025",verb="use"}'), 2)
  assert.equal(sampleOf(text, 'countersign_outbox_messages'), 7)
  assert.equal(sampleOf(text, 'countersign_provider_in_flight{provider="mail"}'), 4)
  assert.equal(sampleOf(text, 'countersign_workers'), 1)
})

test('a counter does not go back when a process ends, and a gauge does', async () => {
  const merged = createMergedMetrics(() => [])
  for (const worker of [1, 2]) {
    const { metrics, snapshot } = processWith()
    metrics.issues.inc({ channel: 'sms', outcome: 'issued' }, 10)
    merged.tell(worker, await snapshot())
  }
  merged.end(1)
  merged.end(2)
  const fresh = processWith()
  fresh.metrics.issues.inc({ channel: 'sms', outcome: 'issued' })
  merged.tell(3, await fresh.snapshot())
  const text = await merged.read()
  assert.equal(sampleOf(text, issued), 21)
  assert.equal(sampleOf(text, 'countersign_provider_in_flight{provider="mail"}'), 2)
})

test('a provider is open if one process finds it so, and a process without a store hides nobody’s value', async () => {
  const merged = createMergedMetrics(() => [])
  merged.tell(1, await processWith({ queued: Number.NaN, isOpen: true }).snapshot())
  merged.tell(2, await processWith({ queued: 3 }).snapshot())
  const text = await merged.read()
  assert.equal(sampleOf(text, 'countersign_provider_open{provider="mail"}'), 1)
  assert.equal(sampleOf(text, 'countersign_outbox_messages'), 3)
})
