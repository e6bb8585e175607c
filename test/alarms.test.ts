/** The alarms of docs/alarms.yaml in Prometheus' own tester: each goes off when it should, and only then. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parse } from 'yaml'
import { ofNoEngine } from './engine.ts'
import { peerAt, requirePeer } from './peers.ts'

const promtoolPaths = ['/usr/bin/promtool', '/usr/local/bin/promtool']
const peer = { ...requirePeer('promtool (apt-get install prometheus)', promtoolPaths), ...ofNoEngine }
const file = join(import.meta.dirname, '..', 'docs', 'alarms.yaml')
const folder = mkdtempSync(join(tmpdir(), 'countersign-alarms-'))
after(() => rmSync(folder, { recursive: true }))

type Rule = { alert: string; labels: { severity: string } }
const { rules } = (parse(readFileSync(file, 'utf8')) as { groups: [{ rules: Rule[] }] }).groups[0]

/** Series by the minute, as promtool writes them: `0+6x30` is 0, 6, 12 … */
type Series = Readonly<Record<string, string>>
type Case = {
  /** After so many minutes. */
  readonly at: number
  readonly fires: Series
  /** Of the alarm that goes off, beside its severity. */
  readonly labels: Readonly<Record<string, string>>
  readonly quiet: Series
}

const sms = 'provider="p",channel="sms",country="CN"'
const dispatches = (outcome: string) => `countersign_dispatches_total{${sms},outcome="${outcome}"}`
const receipts = (state: string) => `countersign_receipts_total{provider="p",country="CN",state="${state}"}`
const lost = (reason: string) => `countersign_lost_codes_total{channel="sms",country="CN",reason="${reason}"}`
const calls = (route: string, status: number) =>
  `countersign_request_seconds_count{job="countersign",route="${route}",status="${status}"}`
const ofProvider = { provider: 'p', country: 'CN' }

const cases: Readonly<Record<string, Case>> = {
  CountersignDown: {
    at: 5,
    fires: { 'up{job="countersign",instance="a"}': '1 0x10' },
    labels: { job: 'countersign', instance: 'a' },
    quiet: { 'up{job="countersign",instance="a"}': '1 0 1x10', 'up{job="other",instance="b"}': '0x10' },
  },
  CountersignOutboxLate: {
    at: 5,
    fires: { countersign_outbox_oldest_seconds: '0 90x10' },
    labels: {},
    quiet: { countersign_outbox_oldest_seconds: '0 30x10' },
  },
  CountersignStoreAway: {
    at: 5,
    fires: { countersign_outbox_messages: '0 NaN NaN NaN NaN NaN' },
    labels: {},
    quiet: { countersign_outbox_messages: '0x10' },
  },
  CountersignStoreNotWritable: {
    at: 5,
    fires: { 'countersign_store_writable{instance="a"}': '1 0x10' },
    labels: { instance: 'a' },
    quiet: { 'countersign_store_writable{instance="a"}': '1 0 1x10' },
  },
  CountersignErrors: {
    at: 10,
    fires: { [calls('/v1/x', 200)]: '0+90x20', [calls('/v1/x', 500)]: '0+10x20' },
    labels: { job: 'countersign' },
    // What is refused with 4xx is no error of ours, and probes are no calls.
    quiet: {
      [calls('/v1/x', 200)]: '0+90x20',
      [calls('/v1/x', 429)]: '0+90x20',
      [calls('/v1/x', 500)]: '0+1x20',
      [calls('/readyz', 503)]: '0+60x20',
    },
  },
  CountersignProviderOpen: {
    at: 6,
    fires: { 'countersign_provider_open{provider="p"}': '0 1x10' },
    labels: { provider: 'p' },
    quiet: { 'countersign_provider_open{provider="p"}': '0 1 0 1 0x10' },
  },
  CountersignNotTaken: {
    at: 30,
    fires: { [dispatches('accepted')]: '0+5x40', [dispatches('refused')]: '0+5x40' },
    labels: ofProvider,
    quiet: { [dispatches('accepted')]: '0+9x40', [dispatches('refused')]: '0+1x40' },
  },
  CountersignLost: {
    at: 12,
    // Sixty at once, of a series that was not there before.
    fires: { [lost('unavailable')]: '_x8 60x20', [lost('expired')]: '0x20' },
    labels: { channel: 'sms', country: 'CN' },
    quiet: {
      [lost('unavailable')]: '90x8 91x20',
      [lost('expired')]: '0x20',
      [dispatches('unavailable')]: '0+5x20',
    },
  },
  CountersignUndeliverable: {
    at: 60,
    fires: { [receipts('delivered')]: '0+5x90', [receipts('undeliverable')]: '0+5x90' },
    labels: ofProvider,
    quiet: { [receipts('delivered')]: '0+9x90', [receipts('undeliverable')]: '0+1x90' },
  },
  CountersignNoReceipts: {
    at: 180,
    fires: { [receipts('delivered')]: '0+2x60 120x200', [dispatches('accepted')]: '0+2x300' },
    labels: { provider: 'p' },
    quiet: { [receipts('delivered')]: '0+1x300', [dispatches('accepted')]: '0+2x300' },
  },
  CountersignStrayReceipts: {
    at: 30,
    fires: { [receipts('stray')]: '0+120x40' },
    labels: { ...ofProvider, state: 'stray' },
    quiet: { [receipts('stray')]: '0+6x40', [receipts('delivered')]: '0+120x40' },
  },
  CountersignReceiptsRefused: {
    at: 30,
    fires: { [receipts('refused')]: '0+6x40' },
    labels: { ...ofProvider, state: 'refused' },
    quiet: { [receipts('refused')]: '0 20x40', [receipts('delivered')]: '0+60x40' },
  },
  CountersignUnused: {
    at: 150,
    fires: { [`countersign_used_total{${sms}}`]: '0+1x200', [dispatches('accepted')]: '0+10x200' },
    labels: ofProvider,
    quiet: { [`countersign_used_total{${sms}}`]: '0+8x200', [dispatches('accepted')]: '0+10x200' },
  },
  CountersignThrottled: {
    at: 40,
    fires: { 'countersign_throttled_total{act="issue",scope="app"}': '0+120x60' },
    labels: { act: 'issue', scope: 'app' },
    quiet: { 'countersign_throttled_total{act="issue",scope="app"}': '0+6x60' },
  },
}

function promtool(...args: string[]): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(peerAt(promtoolPaths)!, args, { encoding: 'utf8' })
  return { code: status, said: stdout + stderr }
}

const testOf = (at: number, series: Series, alertname: string, expected: readonly object[]) => ({
  interval: '1m',
  input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
  alert_rule_test: [{ eval_time: `${at}m`, alertname, exp_alerts: expected }],
})

test('Prometheus takes the rules, each has a severity and is tested here', peer, () => {
  assert.equal(promtool('check', 'rules', file).code, 0)
  for (const { alert, labels } of rules) assert.match(labels.severity, /^(critical|warning)$/, alert)
  assert.deepEqual(
    Object.keys(cases),
    rules.map((one) => one.alert),
  )
})

for (const {
  alert,
  labels: { severity },
} of rules)
  test(`${alert} goes off when it should and keeps quiet when it should`, peer, () => {
    const { at, fires, quiet, labels } = cases[alert]!
    // Their texts are for people and may change; that the rule goes off, and for whom, is what counts.
    const bare = structuredClone(parse(readFileSync(file, 'utf8'))) as {
      groups: { rules: { annotations?: object }[] }[]
    }
    for (const rule of bare.groups[0]!.rules) delete rule.annotations
    writeFileSync(join(folder, 'rules.json'), JSON.stringify(bare))
    const path = join(folder, `${alert}.json`)
    const tests = [
      testOf(at, fires, alert, [{ exp_labels: { severity, ...labels } }]),
      testOf(at, quiet, alert, []),
    ]
    writeFileSync(path, JSON.stringify({ rule_files: ['rules.json'], evaluation_interval: '1m', tests }))
    const { code, said } = promtool('test', 'rules', path)
    assert.equal(code, 0, said)
  })

test('Prometheus understands each query of the dashboard', peer, () => {
  const dashboard = JSON.parse(readFileSync(join(file, '..', 'dashboard.json'), 'utf8')) as {
    panels: { targets?: { expr: string }[] }[]
  }
  const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  assert.ok(queries.length > 20)
  // As rules, with what Grafana puts in for its variables.
  const asRules = queries.map((expr, nth) => ({
    record: `query:${nth}`,
    expr: expr.replaceAll('$__rate_interval', '5m').replaceAll('$job', 'countersign'),
  }))
  const path = join(folder, 'dashboard-rules.json')
  writeFileSync(path, JSON.stringify({ groups: [{ name: 'dashboard', rules: asRules }] }))
  const { code, said } = promtool('check', 'rules', path)
  assert.equal(code, 0, said)
})

test('Prometheus takes the scrape configurations of operations.md', peer, () => {
  const page = readFileSync(join(file, '..', 'operations.md'), 'utf8')
  const found = [...page.matchAll(/```yaml\n((?:rule_files|scrape_configs)[\s\S]*?)```/g)].map(
    ([, text]) => text!,
  )
  assert.equal(found.length, 2)
  const token = join(folder, 'token')
  writeFileSync(token, 'a token')
  for (const [nth, text] of found.entries()) {
    const path = join(folder, `prometheus-${nth}.yaml`)
    writeFileSync(path, text.replace('alarms.yaml', file).replace(/(credentials_file: )[^ }]+/, `$1${token}`))
    const { code, said } = promtool('check', 'config', path)
    assert.equal(code, 0, said)
  }
})
