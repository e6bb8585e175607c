/**
 * Runs the fault suites at length, 1,000 kills at random moments among them, and writes what they found.
 * `npm run test:faults [-- --kills 1000 --write docs/faults.md]`
 */

import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { FaultRow } from '../test/fault-report.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '1000' },
    write: { type: 'string', default: 'docs/faults.md' },
  },
})

const root = join(import.meta.dirname, '..')
const suites = ['faults', 'delivery-faults', 'receipt-faults']
const folder = mkdtempSync(join(tmpdir(), 'countersign-faults-'))
const report = join(folder, 'report.jsonl')
writeFileSync(report, '')

const { status } = spawnSync(
  process.execPath,
  ['--test', '--test-concurrency=1', ...suites.map((name) => join(root, 'test', `${name}.test.ts`))],
  {
    stdio: 'inherit',
    env: { ...process.env, COUNTERSIGN_FAULT_KILLS: values.kills, COUNTERSIGN_FAULT_REPORT: report },
  },
)
const rows = readFileSync(report, 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => JSON.parse(line) as FaultRow)
rmSync(folder, { recursive: true })
if (status !== 0) process.exit(status ?? 1) // what a failed run found is no result

const introduction = `# What faults did

Written by \`npm run test:faults\` on ${new Date().toISOString().slice(0, 10)}, from the built server and carriers that outlive it:
a mail server, an HTTP carrier and an SMSC. Each scenario is a test that also runs, shorter, in \`npm run test:long\`; each check is
shown to fail on a planted fault. The promises are in [promises.md](promises.md).

A kill leaves copies of what was at the carrier at that moment: most of all with a slow one, of 50 messages in flight at
one that took 300 ms 47. A carrier of \`afterCrash: unknown\` gets none ([routes.md](routes.md)).

| promise | fault | carrier | what came of it |
|---|---|---|---|`
const order = (row: FaultRow) => `${row.promise} ${row.carrier}`
const lines = rows
  .toSorted((a, b) => order(a).localeCompare(order(b)))
  .map((row) => `| ${row.promise} | ${row.scenario} | ${row.carrier} | ${row.outcome} |`)
writeFileSync(join(root, values.write), `${[introduction, ...lines].join('\n')}\n`)
console.log(`${values.write} written, ${rows.length} rows`)
