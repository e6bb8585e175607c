/**
 * Runs every scenario of every engine at length, and writes what came of it.
 * `npm run test:reliability [-- --only WORDS --before 3000 --after 2000 --lasting 2 --write docs/reliability.md]`
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { requirePeer } from '../test/peers.ts'
import { enginesUnderTest } from '../test/reliability/engines.ts'
import { type Row, reliabilityPage } from '../test/reliability/page.ts'
import { runScenario } from '../test/reliability/run.ts'

const { values } = parseArgs({
  options: {
    /** Only rows with these words; nothing is written then unless it is said where. */
    only: { type: 'string', default: '' },
    before: { type: 'string', default: '3000' },
    after: { type: 'string', default: '2000' },
    lasting: { type: 'string', default: '2' },
    write: { type: 'string' },
  },
})
const timing = {
  beforeMs: Number(values.before),
  afterMs: Number(values.after),
  lasting: Number(values.lasting),
}
const target = values.write ?? (values.only === '' ? 'docs/reliability.md' : undefined)

const rows: Row[] = []
let broken = 0
for (const engine of enginesUnderTest) {
  const scenarios = engine.scenarios.filter(({ fault }) => `${engine.name}: ${fault}`.includes(values.only))
  if (scenarios.length === 0) continue
  for (const { skip } of [engine.peer, ...scenarios.map(({ peer }) => (peer ? requirePeer(...peer) : {}))])
    if (skip !== undefined) throw new Error(skip)
  await using prepared = await engine.prepare()
  for (const scenario of scenarios) {
    const startedAt = performance.now()
    await using opened = await prepared.open(scenario.opening)
    const report = await runScenario(opened, scenario, { timing })
    rows.push({ engine: engine.name, fault: scenario.fault, report })
    const judged = Object.keys(report.breaches).filter(
      (name) => !scenario.excused?.some((one) => one === name),
    )
    broken += judged.length
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
    console.log(`${engine.name}: ${scenario.fault} (${seconds} s)\n  ${JSON.stringify(report)}`)
  }
}
if (broken > 0) throw new Error(`${broken} promises were broken, so nothing is written`)
if (target !== undefined) {
  const day = new Date().toISOString().slice(0, 10)
  writeFileSync(join(import.meta.dirname, '..', target), reliabilityPage(rows, day))
  console.log(`${target} written, ${rows.length} rows`)
}
