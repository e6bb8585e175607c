/** Each promise is seen broken by the product with a planted fault: that is how we know that the others kept it. */

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { requirePeer } from '../peers.ts'
import type { InvariantName } from './invariants.ts'
import { promised } from './page.ts'
import { postgresUnderTest } from './postgres-scenarios.ts'
import { runScenario } from './run.ts'
import type { EngineUnderTest } from './scenario.ts'
import { sqliteUnderTest } from './sqlite-scenarios.ts'

const plantFile = join(import.meta.dirname, '..', 'plants', 'faulty-source.ts')
/** Long enough for a contact to be stored and, after the gap, proved. */
const timing = { beforeMs: 4_500, afterMs: 300, lasting: 1 }

type Engine = EngineUnderTest<unknown>
const postgres = postgresUnderTest as unknown as Engine
const sqlite = sqliteUnderTest as unknown as Engine

/** A planted fault, the scenario that brings it out, and what it breaks. */
const expected: readonly (readonly [string, Engine, string, InvariantName])[] = [
  ['count that is not atomic', postgres, 'slow: 50 ', 'comparisons stay within their limits'],
  [
    'use without a condition',
    postgres,
    'hung ',
    'a code is used once, by whom it was sent for, within its life',
  ],
  ['limiter that fails open', postgres, 'stopped ', 'issues stay within their limits'],
  ['no outbox', postgres, 'hung ', 'each accepted send is accounted for'],
  ['member that the caller names', postgres, 'hung ', "nobody else's contact changed"],
  ['copies with other ids', postgres, 'a process killed after accept', 'each accepted send is accounted for'],
  ['clock that can be set', sqlite, 'the wall clock', 'comparisons stay within their limits'],
]

/** All of them by `npm run test:plants`; in `npm test` less one that takes as long as three others, of a promise another breaks too. */
const isRun = ([name]: (typeof expected)[number]) =>
  process.env.COUNTERSIGN_PLANTS === 'all' || name !== 'clock that can be set'

const scenarioOf = (engine: Engine, fault: string) =>
  engine.scenarios.find((one) => one.fault.startsWith(fault))!

/** @returns The result of the scenario with the fault. */
async function runWith(plant: string, engine: Engine, fault: string) {
  const scenario = scenarioOf(engine, fault)
  await using prepared = await engine.prepare()
  await using opened = await prepared.open(scenario.opening)
  return await runScenario(opened, scenario, { timing, imports: [plantFile], env: { PLANT: plant } })
}

describe('with a planted fault', postgresUnderTest.peer, () => {
  for (const [name, engine, fault, promise] of expected.filter(isRun)) {
    const { peer } = scenarioOf(engine, fault)
    test(`a ${name} is found`, peer ? requirePeer(...peer) : {}, async (t) => {
      const { breaches } = await runWith(name, engine, fault)
      t.diagnostic(JSON.stringify(breaches).slice(0, 600))
      assert.ok(breaches[promise], `${promise} was kept`)
    })
  }

  test('patience with the store is found', async () => {
    const { slowestRefusalMs } = await runWith('patience with the store', postgres, 'out of reach: ')
    assert.ok(slowestRefusalMs! > promised.refusalMs * 2, `${slowestRefusalMs} ms`)
  })
})
