/** The product under faults of its engines: the promises held, as checked afterwards in the history of all participants. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { requirePeer } from './peers.ts'
import { enginesUnderTest } from './reliability/engines.ts'
import { promised } from './reliability/page.ts'
import { runScenario } from './reliability/run.ts'

const timing = { beforeMs: 700, afterMs: 300, lasting: 1 }
/** Tests beside this one take the machine for moments; what hangs takes longer. */
const lenience = 3

describe('under faults', () => {
  for (const engine of enginesUnderTest)
    describe(`of ${engine.name}`, engine.peer, () => {
      let prepared: Awaited<ReturnType<typeof engine.prepare>>
      before(async () => {
        prepared = await engine.prepare()
      })
      after(() => prepared[Symbol.asyncDispose]())

      // The others, and these for longer: `npm run test:reliability`.
      for (const scenario of engine.scenarios.filter(({ isInShort }) => isInShort)) {
        const peer = scenario.peer ? requirePeer(...scenario.peer) : {}
        test(`T-4: ${engine.name}, ${scenario.fault}: what was promised held`, peer, async (t) => {
          await using opened = await prepared.open(scenario.opening)
          const report = await runScenario(opened, scenario, { timing })
          t.diagnostic(JSON.stringify(report))
          const judged = Object.entries(report.breaches).filter(
            ([name]) => !scenario.excused?.some((one) => one === name),
          )
          assert.deepEqual(Object.fromEntries(judged), {})
          assert.ok((report.slowestRefusalMs ?? 0) <= promised.refusalMs * lenience, 'refused in time')
          assert.ok((report.backMs ?? 0) <= promised.backMs * lenience, 'well again in time')
        })
      }
    })
})
