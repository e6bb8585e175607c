import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { newIssue, pause, settlementOf, times } from '../store/conformance/fixtures.ts'
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts'
import { createLearning } from './learn-from-uses.ts'
import { createMeasuredOrder } from './measured-order.ts'

test('it learns from codes that have ended, each once, and which carrier to try first', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-learn-'))
  t.after(() => rmSync(folder, { recursive: true }))
  await using store = await openSqliteStore({ path: join(folder, 'test.db') })
  let seed = 1
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed / 2 ** 32
  }
  const measured = createMeasuredOrder(() => 0, random)
  const learning = createLearning({
    dispatches: store.dispatches,
    now: () => store.now(),
    measured,
    lifetimeMs: 100,
    onError: (_, error) => assert.fail(String(error)),
  })
  const sent = async (provider: string, isUsed: boolean) => {
    const request = newIssue({ lifetimeMs: 60_000 })
    const issued = await store.verifications.issue(request)
    assert.ok(issued.kind === 'issued')
    await store.outbox.settle([settlementOf(issued.entry!, { kind: 'done' }, 'accepted', { provider })])
    await pause(2)
    const use = { id: issued.record.id, wrong: [], consumes: true }
    if (isUsed) assert.ok(await store.verifications.use(use))
  }
  await Promise.all(times(20, (nth) => sent('good', nth < 18)))
  await Promise.all(times(20, (nth) => sent('bad', nth < 2)))
  await learning.poll()
  assert.equal(measured.belief('good', 'CN').messages, 0, 'not before they have ended')
  await pause(2_200)
  await learning.poll()
  await learning.poll()
  assert.equal(measured.belief('good', 'CN').messages, 20)
  assert.equal(measured.belief('bad', 'CN').messages, 20)
  assert.ok(measured.belief('good', 'CN').share > 0.75)
  const candidates = ['bad', 'good'].map((provider) => ({ provider, cost: 0 }))
  const firsts = times(100, () => measured.order(candidates, 'CN', 1)[0])
  assert.ok(firsts.filter((one) => one === 'good').length > 90)
})
