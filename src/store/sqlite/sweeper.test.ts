import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { newVerificationId } from '../../verification/verification.ts'
import { openSqliteStore } from './sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-sweeper-'))
after(() => rmSync(folder, { recursive: true }))
const day = 86_400_000

const issueOf = (id: string, lifetimeMs: number) => ({
  id,
  key: { tenant: 't', app: 'a', subject: id, address: 'tel:+8613800138000', purpose: 'new-contact' as const },
  keyId: 'k',
  digits: 6,
  lifetimeMs,
  isTest: false,
  maxSubmissions: 5,
  limits: [],
  lease: { owner: 'o', ms: 1000 },
})

test('one sweep goes through thousands of rows in pieces, and takes only what is over', async () => {
  const path = join(folder, 'pieces.db')
  await using store = await openSqliteStore({ path, deadlineMs: 10_000 })
  const now = Date.now()
  // Ids of eleven minutes ago, whose time to be swept has come, of this moment, and of forty days ago.
  const over = Array.from({ length: 2500 }, () => newVerificationId(now - 660_000, 'tel:+8613800138000'))
  const alive = newVerificationId(now - 660_000, 'tel:+8613800138000')
  const young = newVerificationId(now, 'tel:+8613800138000')
  const old = Array.from({ length: 2500 }, () => newVerificationId(now - 40 * day, 'tel:+8613800138000'))
  await Promise.all([...over, ...old].map((id) => store.verifications.issue(issueOf(id, 1))))
  await Promise.all([alive, young].map((id) => store.verifications.issue(issueOf(id, 60_000))))
  const db = new DatabaseSync(path)
  const count = (sql: string) => Number(db.prepare(`select count(*) as n from ${sql}`).get()?.n)
  const token = db.prepare("insert into token values (?, 'access', 'l', 't', 'a', 'm', 72, 1, ?)")
  db.exec('begin')
  for (let i = 0; i < 2500; i++) token.run(`over-${i}`, now - 1000)
  for (let i = 0; i < 5; i++) token.run(`valid-${i}`, now + day)
  db.exec('commit')
  await new Promise((resolve) => setTimeout(resolve, 20))

  await store.sweep(30 * day)
  await store.sweep(30 * day) // a page round tables without time in their key may end before the last
  assert.equal(count('token'), 5)
  assert.equal(await store.verifications.countLive(), 2)
  assert.equal((await store.verifications.get(alive))?.state, 'live')
  for (const id of old) assert.equal(await store.verifications.get(id), undefined)
  for (const id of over.slice(0, 5)) assert.ok(await store.verifications.get(id), 'kept for its retention')
  db.close()
})

test('how far the passes have come outlives a restart, so that a start looks through no old rows', async () => {
  const file = join(folder, 'restart.db')
  const first = await openSqliteStore({ path: file })
  await first.sweep(30 * day)
  await first[Symbol.asyncDispose]()
  const db = new DatabaseSync(file)
  // Where no pass will come again: were it to begin anew, it would mark this one.
  const behind = newVerificationId(Date.now() - 3 * day, 'tel:+8613800138000')
  db.exec(
    `insert into verification values ('${behind}', 't', 'a', 'm', 'x', 'new-contact', 'k', 6, 0, 1, 2, 0, 0, null, null)`,
  )
  db.close()
  await using second = await openSqliteStore({ path: file })
  await second.sweep(30 * day)
  assert.equal(await second.verifications.countLive(), 1)
})
