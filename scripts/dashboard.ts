/**
 * The Grafana dashboard, made from the table of metrics: every metric is in a panel, and no panel names another. In the
 * classic model, which every version imports: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model
 */

import { createMetrics } from '../src/metrics.ts'
import { createWorkerMetrics } from '../src/workers/merged-metrics.ts'

type Panel = {
  readonly title: string
  /** Legend by PromQL. */
  readonly queries: Readonly<Record<string, string>>
  readonly unit?: 's' | 'ops' | 'percentunit' | 'short'
  readonly description?: string
}

const job = '{job="$job"}'
const perSecond = (metric: string, ...by: readonly string[]) =>
  `sum by (${by.join(', ')}) (rate(${metric}${job}[$__rate_interval]))`
const quantile = (share: number, metric: string, ...by: readonly string[]) =>
  `histogram_quantile(${share}, sum by (${['le', ...by].join(', ')}) (rate(${metric}_bucket${job}[$__rate_interval])))`
const counted = (title: string, metric: string, ...by: readonly string[]): Panel => ({
  title,
  unit: 'ops',
  queries: { [by.map((label) => `{{${label}}}`).join(' ')]: perSecond(metric, ...by) },
})
const timed = (title: string, metric: string, ...by: readonly string[]): Panel => {
  const legend = by.map((label) => `{{${label}}}`).join(' ')
  return {
    title,
    unit: 's',
    queries: {
      [`half of ${legend}`]: quantile(0.5, metric, ...by),
      [`99 % of ${legend}`]: quantile(0.99, metric, ...by),
    },
  }
}

/** In rows, as somebody on call looks: does it work, do codes go out, do they arrive, who is kept out. */
const rows: readonly (readonly [string, readonly Panel[]])[] = [
  [
    'Is it well',
    [
      {
        title: 'Up, and the store takes writes',
        queries: {
          'up {{instance}}': `up${job}`,
          'writable {{instance}}': `countersign_store_writable${job}`,
          'workers {{instance}}': `countersign_workers${job}`,
        },
      },
      {
        title: 'Answers that are errors of ours',
        unit: 'percentunit',
        queries: {
          share: `sum(rate(countersign_request_seconds_count{job="$job",status=~"5..",route=~"/v.+"}[$__rate_interval])) / sum(rate(countersign_request_seconds_count{job="$job",route=~"/v.+"}[$__rate_interval]))`,
        },
      },
      timed('Requests', 'countersign_request_seconds', 'route'),
      timed('Calls of the store', 'countersign_commit_seconds', 'verb'),
      counted('Processes that ended', 'countersign_worker_ends_total', 'instance'),
    ],
  ],
  [
    'Do codes go out',
    [
      counted('Codes asked for', 'countersign_issues_total', 'channel', 'outcome'),
      {
        title: 'Codes that no carrier took, in an hour',
        queries: {
          '{{channel}} {{country}} {{reason}}': `sum by (channel, country, reason) (increase(countersign_lost_codes_total${job}[1h])) > 0`,
        },
      },
      counted('Hand-overs', 'countersign_dispatches_total', 'provider', 'outcome'),
      timed('From commit to a carrier', 'countersign_hand_over_seconds', 'provider'),
      {
        title: 'Carriers left alone, and messages in their hands',
        queries: {
          'open {{provider}}': `max by (provider) (countersign_provider_open${job})`,
          'in flight {{provider}}': `sum by (provider) (countersign_provider_in_flight${job})`,
        },
      },
      {
        title: 'Messages that wait',
        queries: { messages: `max(countersign_outbox_messages${job})` },
      },
      {
        title: 'Age of the oldest',
        unit: 's',
        queries: { age: `max(countersign_outbox_oldest_seconds${job})` },
      },
    ],
  ],
  [
    'Do they arrive',
    [
      counted('Receipts', 'countersign_receipts_total', 'provider', 'state'),
      counted('Events posted to endpoints of apps', 'countersign_webhook_posts_total', 'outcome'),
      timed('From acceptance to delivery', 'countersign_receipt_seconds', 'provider'),
      {
        title: 'Share of accepted messages that is used',
        unit: 'percentunit',
        queries: {
          '{{provider}} {{country}}': `sum by (provider, country) (rate(countersign_used_total${job}[1h])) / sum by (provider, country) (rate(countersign_dispatches_total{job="$job",outcome="accepted"}[1h]))`,
        },
      },
      timed('From issue to use', 'countersign_use_seconds', 'provider'),
      {
        title: 'Cost in a day',
        queries: {
          '{{provider}} {{country}} {{currency}}': `sum by (provider, country, currency) (increase(countersign_cost_total${job}[1d]))`,
        },
        description: 'By the carriers’ own word; those that tell no price are not in it.',
      },
    ],
  ],
  [
    'Who enters what, and who is kept out',
    [
      counted('Codes entered', 'countersign_submissions_total', 'act', 'outcome'),
      counted('Passwords entered', 'countersign_passwords_total', 'outcome'),
      counted('Refusals by limits', 'countersign_throttled_total', 'act', 'scope'),
      { title: 'Codes that may be used', queries: { live: `max(countersign_live_verifications${job})` } },
    ],
  ],
]

const [columns, width, height] = [3, 8, 8]

export async function dashboardPage(): Promise<string> {
  const registries = [createMetrics(async () => undefined).registry, createWorkerMetrics(() => []).registry]
  const metrics = (await Promise.all(registries.map((one) => one.getMetricsAsJSON()))).flat()
  const ours = metrics.filter(({ name }) => name.startsWith('countersign_'))
  const used = new Set<string>()
  const panels: object[] = []
  let y = 0
  for (const [title, some] of rows) {
    panels.push({
      id: panels.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    })
    y++
    for (const [i, panel] of some.entries()) {
      for (const query of Object.values(panel.queries))
        for (const [found] of query.matchAll(/countersign_[a-z_]+/g))
          used.add(found.replace(/_seconds_(bucket|count)$/, '_seconds'))
      const gridPos = {
        x: (i % columns) * width,
        y: y + Math.floor(i / columns) * height,
        w: width,
        h: height,
      }
      panels.push(panelOf(panel, panels.length + 1, gridPos))
    }
    y += Math.ceil(some.length / columns) * height
  }
  const names = ours.map(({ name }) => name)
  const wrong = [
    ...names.filter((name) => !used.has(name)),
    ...[...used].filter((name) => !names.includes(name)),
  ]
  if (wrong.length > 0) throw new Error(`the dashboard and the metrics differ in ${wrong.join(', ')}`)
  return `${JSON.stringify({ ...frame, panels }, null, 2)}\n`
}

const datasource = { type: 'prometheus', uid: '$datasource' }

function panelOf({ title, queries, unit = 'short', description = '' }: Panel, id: number, gridPos: object) {
  return {
    id,
    type: 'timeseries',
    title,
    description,
    datasource,
    gridPos,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi' } },
    targets: Object.entries(queries).map(([legendFormat, expr], i) => ({
      refId: String.fromCharCode(65 + i),
      datasource,
      expr,
      legendFormat,
    })),
  }
}

const frame = {
  uid: 'countersign',
  title: 'Countersign',
  tags: ['countersign'],
  schemaVersion: 39,
  editable: true,
  refresh: '30s',
  time: { from: 'now-6h', to: 'now' },
  templating: {
    list: [
      { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
      {
        name: 'job',
        type: 'query',
        datasource,
        query: { query: 'label_values(countersign_store_writable, job)', refId: 'job' },
        refresh: 1,
      },
    ],
  },
}
