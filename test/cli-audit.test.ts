/** The audit: what the operator does by commands is in it, and what is done to it is found. */

import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { AuditEntry } from '../src/store/audit.ts'
import { besideServer } from './cli-run.ts'
import { ofTheEmbeddedStore } from './engine.ts'
import { newNumber } from './server.ts'

const on = besideServer()
const { beside } = on

const exported = async (): Promise<AuditEntry[]> =>
  (await beside('audit', 'export')).out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AuditEntry)
const verified = async (...more: string[]) => {
  const { code, out } = await beside('audit', 'verify', '--json', ...more)
  return { code, ...(JSON.parse(out) as { isWhole: boolean; head: string; fault: { sentence: string } }) }
}

/** Runs a command, and returns the acts that it left in the audit. */
async function actsOf(...args: string[]): Promise<readonly (readonly [string, string])[]> {
  const before = (await exported()).length
  const { code, err } = await beside(...args)
  assert.equal(code, 0, err)
  const left = (await exported()).slice(before)
  assert.equal(new Set(left.map(({ requestId }) => requestId)).size, 1)
  assert.ok(left.every(({ actor }) => actor.kind === 'operator' && actor.id !== ''))
  return left.map(({ act, tenant }) => [act, tenant])
}

test('each command that changes something is in the audit, without a name, an address or a secret', async () => {
  const number = newNumber()
  const email = 'anna@audited.example'
  const csv = join(on.server.dataFolder, 'audit.csv')
  writeFileSync(csv, `account,name,phone\naudit-b,Berta,${newNumber()}\naudit-c,Carla,\n`)
  const app = JSON.parse(
    (await beside('app', 'create', '--name', 'Shop', '--tenant', 'audited', '--json')).out,
  ) as { id: string; key: string }
  const key = JSON.parse(
    (await beside('key', 'create', '--app', app.id, '--name', 'shop', '--json')).out,
  ) as { id: string; key: string }
  const acts = (await exported()).slice(-3).map(({ act, target }) => [act, target])
  assert.deepEqual(acts, [
    ['tenant.add', 'audited'],
    ['app.add', app.id],
    ['key.add', key.id],
  ])
  const of = ['--tenant', 'audited']
  const one = ['member', 'add', ...of, '--account', 'audit-a', '--name', 'Anna', '--phone', number]
  assert.deepEqual(await actsOf(...one), [['member.add', 'audited']])
  assert.deepEqual(await actsOf('member', 'import', csv, ...of), [
    ['member.import', 'audited'],
    ['member.import', 'audited'],
  ])
  assert.deepEqual(await actsOf('member', 'set-contact', 'audit-a', ...of, '--email', email), [
    ['member.set-contact', 'audited'],
  ])
  assert.deepEqual(await actsOf('member', 'clear-contact', 'audit-a', ...of, '--phone'), [
    ['member.clear-contact', 'audited'],
  ])
  for (const [args, act] of [
    [['member', 'disable', 'audit-a', ...of], 'member.disable'],
    [['member', 'disable', 'audit-a', ...of, '--undo'], 'member.enable'],
    [['app', 'rotate-key', app.id], 'app.rotate-key'],
    [['app', 'disable', app.id], 'app.disable'],
    [['app', 'disable', app.id, '--undo'], 'app.enable'],
    [['key', 'revoke', key.id], 'key.revoke'],
  ] as const)
    assert.deepEqual(await actsOf(...args), [[act, 'audited']])

  const before = (await exported()).length
  assert.notEqual((await beside(...one)).code, 0)
  assert.notEqual((await beside('key', 'revoke', 'key_none')).code, 0)
  await beside('member', 'import', csv, ...of) // changes nothing
  const all = await exported()
  assert.equal(all.length, before, 'what was refused or changed nothing is not in it')
  const text = JSON.stringify(all)
  for (const hidden of [number, email, 'Anna', 'audit-a', app.key, key.key])
    assert.ok(!text.includes(hidden), hidden)
  assert.deepEqual((await verified()).isWhole, true)
})

test('an export is checked against a head that was noted, and what was done to it is told', async () => {
  await beside('app', 'create', '--name', 'Shop', '--tenant', 'audited2', '--json')
  const { head, code } = await verified()
  assert.equal(code, 0)
  await beside('app', 'create', '--name', 'Shop', '--tenant', 'audited3', '--json')
  assert.equal((await verified('--head', head)).isWhole, true)
  const lines = (await beside('audit', 'export')).out.split('\n')
  const file = join(on.server.dataFolder, 'audit.jsonl')
  const checked = async (text: readonly string[]) => {
    writeFileSync(file, `${text.join('\n')}\n`)
    const { isWhole, fault, code: ended } = await verified('--file', file, '--head', head)
    assert.equal(ended, isWhole ? 0 : 1)
    return fault?.sentence
  }
  assert.equal(await checked(lines), undefined)
  assert.match(
    (await checked(lines.with(1, lines[1]!.replace(/"at":\d/, '"at":9'))))!,
    /^entry 2 was altered/,
  )
  assert.match((await checked(lines.toSpliced(1, 1)))!, /^entry 2 is missing/)
  assert.match((await checked(lines.slice(0, 1)))!, /are cut off at the end$/)
  assert.equal((await beside('audit', 'verify', '--head', 'x')).code, 2)
  rmSync(file)
})

test(
  'a store whose audit was edited, cut or robbed of an entry is found out',
  ofTheEmbeddedStore('plants faults by its SQL'),
  async () => {
    using db = new DatabaseSync(join(on.server.dataFolder, 'countersign.db'))
    for (const [plant, told] of [
      ["update audit set target = 'x' where seq = 2", /^entry 2 was altered/],
      ['delete from audit where seq = 3', /^entry 3 is missing/],
      ['delete from audit where seq = (select max(seq) from audit)', /is cut off at the end$/],
      ['update audit_head set seq = seq - 1', /^the head of the chain was altered/],
      ['delete from audit_head', /^the head .* is missing/],
      [
        'update audit set seq = -seq where seq in (2, 3); update audit set seq = 5 + seq where seq < 0',
        /^entry 2 was/,
      ],
      [
        `insert into audit select max(seq) + 1, at, actor_kind, actor, act, tenant, target, request_id, details, key_id,
       mac, previous from audit`,
        /was altered, moved or put in$/,
      ],
    ] as const) {
      db.exec('begin immediate')
      db.exec(
        'create temp table kept as select * from audit; create temp table head as select * from audit_head',
      )
      db.exec(`${plant}; commit`)
      const { isWhole, fault } = await verified()
      assert.equal(isWhole, false, plant)
      assert.match(fault.sentence, told, plant)
      db.exec(`begin immediate; delete from audit; delete from audit_head; insert into audit select * from kept;
      insert into audit_head select * from head; drop table temp.kept; drop table temp.head; commit`)
      assert.equal((await verified()).isWhole, true)
    }
  },
)
