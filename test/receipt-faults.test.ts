/** T-5 and T-6 by SMPP through the real server: a bad SMSC is left in time, and receipts in any order only move a record up. */

import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import type { ReceiptState } from '../src/message/receipt-state.ts'
import type { Store } from '../src/store/store.ts'
import { ofTheEmbeddedStore, openStoreOf } from './engine.ts'
import { reportFault } from './fault-report.ts'
import { verificationsOf } from './recorded.ts'
import { startScriptedCarrier } from './scripted-carrier.ts'
import { newNumber, paths, type Server, startServer, temporaryFolder } from './server.ts'
import { type Answer, type FakeSmsc, type ReceiptPlan, startFakeSmsc } from './smpp/fake-smsc.ts'
import { until } from './until.ts'

const folder = temporaryFolder()
after(() => rmSync(folder, { recursive: true, force: true }))

const smppSettings = (name: string, { port }: FakeSmsc) =>
  `  ${name}: { type: smpp, host: 127.0.0.1, port: ${port}, security: none, systemId: test, password: test }\n`

async function start(name: string, providers: string, routes: string): Promise<Server> {
  const at = join(folder, name)
  mkdirSync(at, { recursive: true })
  const config = join(at, 'settings.yaml')
  writeFileSync(
    config,
    `limits: none\npolicy: { lifetime: { sms: 2m } }\nproviders:\n${providers}routes: { sms: ${routes} }\n`,
  )
  return startServer({ dataFolder: at, args: ['--config', config] })
}

type Row = { address: string; provider: string; outcome: string; state: ReceiptState | null; handed: number }

/** The recorded dispatches of the messages to the numbers, the newest last. */
function recordReader(store: Store, numbers: readonly string[]): () => Promise<Row[]> {
  const known = new Map<string, string[]>()
  return async () => {
    const rows = numbers.map(async (address) => {
      if (!known.has(address)) known.set(address, await verificationsOf(store, address))
      const dispatches = await Promise.all(known.get(address)!.map((id) => store.dispatches.of(id)))
      return dispatches.flat().map(
        ({ provider, outcome, receipt, handedOverAt }): Row => ({
          address,
          provider,
          outcome,
          state: receipt?.state ?? null,
          handed: handedOverAt,
        }),
      )
    })
    return (await Promise.all(rows)).flat().toSorted((a, b) => a.handed - b.handed)
  }
}

const stats = ['UNKNOWN', 'ENROUTE', 'ACCEPTD', 'UNDELIV', 'EXPIRED', 'DELIVRD'] as const
const states: readonly (ReceiptState | null)[] = [null, 'unknown', 'enroute', 'undeliverable', 'delivered']
const meanings: Readonly<Record<string, ReceiptState>> = {
  UNKNOWN: 'unknown',
  ENROUTE: 'enroute',
  ACCEPTD: 'enroute',
  UNDELIV: 'undeliverable',
  EXPIRED: 'undeliverable',
  DELIVRD: 'delivered',
}
const rankOf = (state: ReceiptState | null) => states.indexOf(state)

/** Sends to sixty numbers, each with random receipts, and compares the record with the receipts. */
async function receiptsOnlyMoveUp(name: string, plant = '', withinMs = 30_000): Promise<string> {
  await using smsc = await startFakeSmsc()
  let seed = Number(process.env.COUNTERSIGN_FAULT_SEED ?? 20_261_125)
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  const planned = new Map<string, ReceiptPlan[]>()
  smsc.script.answer = ({ to }): Answer => {
    const receipts = Array.from({ length: 1 + random(5) }, (): ReceiptPlan => {
      const stat = stats[random(stats.length)]!
      // Some before the answer, some long after, some in the TLVs; each may come twice.
      return { stat, afterMs: random(4) === 0 ? -1 : random(1_500), form: random(2) === 0 ? 'tlv' : 'text' }
    })
    const doubled = receipts.flatMap((one) => (random(3) === 0 ? [one, one] : [one]))
    planned.set(to, doubled)
    return { receipts: [...doubled, { stat: 'DELIVRD', id: `stray${random(1e9)}` }] }
  }
  await using server = await start(name, smppSettings('carrier', smsc), '[carrier]')
  if (plant !== '') {
    const db = new DatabaseSync(join(server.dataFolder, 'countersign.db'))
    db.exec(plant)
    db.close()
  }
  const token = await server.logIn('sender')
  const numbers = Array.from({ length: 60 }, newNumber)
  for (const contact of numbers)
    assert.equal((await server.call('POST', paths.send, { token, body: { contact } })).status, 200)

  await using store = await openStoreOf(server.dataFolder)
  const read = recordReader(store, numbers)
  const expected = (to: string) => Math.max(...planned.get(to)!.map((one) => rankOf(meanings[one.stat]!)))
  const seen = new Map<string, ReceiptState | null>()
  await until(async () => {
    const rows = await read()
    for (const { address, state } of rows) {
      const before = seen.get(address) ?? null
      assert.ok(rankOf(state) >= rankOf(before), `${address} went from ${before} to ${state}`)
      seen.set(address, state)
    }
    return rows.length === numbers.length && rows.every((one) => rankOf(one.state) === expected(one.address))
  }, withinMs)
  assert.ok((await read()).every((one) => one.outcome === 'accepted'))
  const count = [...planned.values()].flat().length
  return `${count} receipts and ${numbers.length} strays for ${numbers.length} messages: each record at the highest state told, none ever moved down`
}

test('T-6: early, late, double, reordered and stray receipts never move a record down', async () => {
  const outcome = await receiptsOnlyMoveUp('receipts')
  const scenario = 'receipts early, late, double, reordered, contradicting, stray'
  reportFault({ promise: 'T-6', scenario, carrier: 'smpp', outcome })
})

const ofTables = ofTheEmbeddedStore('plants a fault in its tables, for a check that is the same for all')

test(
  'T-6: the same check finds a record that takes the last word instead of the highest',
  ofTables,
  async () => {
    // What was delivered falls back to enroute once anything else is written of it.
    const plant = `create trigger plant after update of receipt_state on dispatch when new.receipt_state = 3 begin
    update dispatch set receipt_state = 1 where about = new.about and message = new.message and nth = new.nth; end`
    await assert.rejects(receiptsOnlyMoveUp('planted', plant, 5_000), /did not come to be|went from/)
  },
)

const badSmscs: readonly (readonly [name: string, script: (smsc: FakeSmsc) => void])[] = [
  ['silence', (smsc) => (smsc.script.answer = () => ({ instead: 'silence' }))],
  ['a cut connection', (smsc) => (smsc.script.answer = () => ({ instead: 'drop' }))],
  [
    'a garbage length',
    (smsc) => (smsc.script.answer = () => ({ instead: Buffer.from([0xff, 0xff, 0xff, 0xff, 0, 0, 0, 4]) })),
  ],
  ['system error', (smsc) => (smsc.script.answer = () => ({ status: 0x08 }))],
  ['a storm of 0x58', (smsc) => (smsc.script.answer = () => ({ status: 0x58 }))],
  ['refused binds', (smsc) => (smsc.script.bindStatus = () => 0x0e)],
  ['a half-open connection', (smsc) => (smsc.script.isDeaf = () => true)],
]

for (const [name, spoil] of badSmscs)
  test(`T-5: after ${name} of an SMSC the next carrier has the message within 3 s, with the same code`, async () => {
    await using smsc = await startFakeSmsc()
    await using good = await startScriptedCarrier()
    if (name === 'refused binds' || name === 'a half-open connection') spoil(smsc)
    const providers = `${smppSettings('bad', smsc)}${good.settings('good')}\n`
    await using server = await start(name.replaceAll(' ', '-'), providers, '[bad, good]')
    spoil(smsc)
    const contact = newNumber()
    const token = await server.logIn('sender')
    assert.equal((await server.call('POST', paths.send, { token, body: { contact } })).status, 200)
    await until(() => good.taken.length > 0)
    await using store = await openStoreOf(server.dataFolder)
    const read = recordReader(store, [contact])
    await until(async () => (await read()).length === 2)
    const [first, second] = await read()
    assert.deepEqual([first?.provider, second?.provider, second?.outcome], ['bad', 'good', 'accepted'])
    const waitedMs = second!.handed - first!.handed
    assert.ok(waitedMs < 3_000, `the next carrier had it after ${waitedMs} ms`)
    for (const { code } of smsc.submits) assert.equal(code, good.taken[0]!.code)
    const outcome = `${first!.outcome}; the next carrier had it after ${Math.round(waitedMs)} ms`
    reportFault({ promise: 'T-5', scenario: name, carrier: 'smpp', outcome })
  })
