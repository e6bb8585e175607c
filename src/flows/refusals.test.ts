import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Address } from '../address/address.ts'
import { addressTag } from '../code/address-tag.ts'
import { newKeyLine, parseKeyRing } from '../code/key-ring.ts'
import type { JournalEntry } from '../store/journal.ts'
import { createRefusals } from './refusals.ts'
import type { Act } from './subject.ts'

const ring = parseKeyRing(newKeyLine(new Date()))
const actOf = (subject: string, number = '+8613800138000') =>
  ({
    tenant: 't',
    app: { id: 'a' },
    subject,
    address: { kind: 'phone', e164: number, region: 'CN' } as unknown as Address,
    network: 'n',
  }) as unknown as Act

function recorder() {
  let time = 0
  const entries: Omit<JournalEntry, 'at'>[] = []
  const lines: object[] = []
  const record = createRefusals({
    journal: { append: async (entry) => void entries.push(entry) },
    ring,
    log: { info: (_, fields) => lines.push(fields!) },
    now: () => time,
  })
  const written = () => new Promise((resolve) => setImmediate(resolve))
  return { record, entries, lines, written, pass: (ms: number) => (time += ms) }
}

test('a refusal is in log and journal with member, app, scope and rule, and behind the answer', async () => {
  const { record, entries, lines, written } = recorder()
  const limit = {
    kind: 'throttled',
    scope: 'member-address',
    rule: 'window',
    retryAfterMs: 1.5,
    scopes: [],
  } as const
  record(actOf('m'), { act: 'send', reason: 'throttled', limit })
  assert.deepEqual([entries.length, lines.length], [0, 0])
  await written()
  const ids = { tenant: 't', app: 'a', member: 'm' }
  assert.deepEqual(lines, [
    {
      ...ids,
      verification: '',
      country: 'CN',
      outcome: 'throttled',
      scope: 'member-address',
      rule: 'window',
    },
  ])
  const [{ addressTag: tag, ...entry }] = entries as [Omit<JournalEntry, 'at'>]
  assert.deepEqual(entry, {
    kind: 'refusal',
    ...ids,
    verification: '',
    detail: { act: 'send', reason: 'throttled', scope: 'member-address', rule: 'window', retryAfterMs: 2 },
  })
  assert.equal(tag, addressTag(ring.newest, 'tel:+8613800138000'))
  assert.doesNotMatch(JSON.stringify([entries, lines]), /138/)
})

test('whoever tries on fills neither log nor disk, and takes nobody else’s trace away', async () => {
  const { record, entries, lines, written, pass } = recorder()
  const refuse = (member: string, number?: string) =>
    record(actOf(member, number), { act: 'verify', reason: 'wrong' })
  for (let nth = 0; nth < 100; nth++) refuse('one')
  await written()
  assert.equal(entries.length, 6)
  for (let nth = 0; nth < 100; nth++) refuse('one', `+86138001390${nth}`)
  await written()
  assert.equal(entries.length, 30)
  refuse('two')
  await written()
  assert.equal(entries.length, 31)
  for (let nth = 0; nth < 2_000; nth++) refuse(`of many ${nth}`)
  await written()
  assert.equal(entries.length, 600)
  assert.equal(lines.length, 600)
  pass(60_000)
  refuse('one')
  await written()
  assert.equal(entries.length, 601)
})
