import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import type { AppError } from '../../errors.ts'
import { newVerificationId } from '../../verification/verification.ts'
import { storeConformance } from '../conformance/conformance.ts'
import { newMember, pause } from '../conformance/fixtures.ts'
import { memberQueryDefaults } from '../member-search.ts'
import { backupSqlite } from './backup.ts'
import { lockDataFolder } from './data-lock.ts'
import { engineClock } from './engine-clock.ts'
import { migrations } from './migrations.ts'
import { openSqliteStore } from './sqlite-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-sqlite-'))
after(() => rmSync(folder, { recursive: true }))

let files = 0
const newPath = () => join(folder, `${files++}.db`)
const lease = { owner: 'o', ms: 1000 }
const unavailable = (error: AppError) => error.code === 'store.unavailable'

storeConformance('SQLite', async () => {
  const path = newPath()
  const store = await openSqliteStore({ path, deadlineMs: 10_000 })
  // A thread of its own, as another process would be.
  const second = await openSqliteStore({ path, deadlineMs: 10_000 })
  return {
    store,
    second,
    async [Symbol.asyncDispose]() {
      await second[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
})

const issueOf = (id = newVerificationId(Date.now(), 'tel:+8613800138000')) => ({
  id,
  key: { tenant: 't', app: 'a', subject: id, address: 'tel:+8613800138000', purpose: 'new-contact' as const },
  keyId: 'k',
  digits: 6,
  lifetimeMs: 60_000,
  isTest: false,
  maxSubmissions: 5,
  limits: [],
  lease,
})

test('messages that wait under schema 7 keep their tries, their second channel and their records', async () => {
  const path = newPath()
  const db = new DatabaseSync(path)
  for (const step of migrations.slice(0, 7)) db.exec(step)
  db.exec(`
    insert into outbox values (5, 'tried', null, '{"id":"tried","channel":"sms"}', ${Date.now() + 60_000}, 6, '', 2, '["p","q"]', 1, null, null);
    insert into outbox values (5, 'begun', null, '{"id":"begun"}', ${Date.now() + 60_000}, 7, 'dead', 1, '[]', 0, null, 'p');
    insert into outbox values (5, 'second', 'v', '{"id":"second","channel":"sms"}', ${Date.now() + 60_000}, 8, '', 1, '["p"]', 0, 'voice', null);
    insert into dispatch values ('v', 'second', 1, 't', 'a', 'sms', 'p', 'CN', 'accepted', '', 'id', 'key', 5, 6, 7, null, null, 'second', 0, null, null, null);
    pragma user_version = 7`)
  db.close()
  await using store = await openSqliteStore({ path })
  const claimed = await store.outbox.claim(10, lease)
  assert.deepEqual(
    claimed.map(({ message, nth, tried, unknowns, isSecond, begun }) => [
      message.id,
      message.channel,
      nth,
      tried,
      unknowns,
      isSecond,
      begun,
    ]),
    [
      ['tried', 'sms', 3, ['p', 'q'], 1, false, undefined],
      ['begun', '', 2, [], 0, false, 'p'],
      ['second', 'voice', 2, ['p'], 0, true, undefined],
    ],
  )
  const [record] = await store.dispatches.of('v')
  assert.equal(record?.next, 'second')
  const [receipt] = await store.dispatches.receive([
    { provider: 'p', key: 'key', state: 'delivered', providerCode: '' },
  ])
  assert.ok(receipt?.kind === 'recorded' && receipt.isNews)
})

test('what stays of a deleted member goes with the retention', async () => {
  const path = newPath()
  await using store = await openSqliteStore({ path })
  using db = new DatabaseSync(path, { readOnly: true })
  const former = () => db.prepare('select account from former_member').all()
  await store.directory.addTenant({ id: 't', name: 'T', accountApp: 'a' })
  const member = newMember()
  await store.directory.putMembers([member])
  await store.directory.deleteMembers({ tenant: 't', members: [member] })
  await store.sweep(3_600_000)
  assert.equal(former()[0]?.account, member.account)
  await pause(5)
  await store.sweep(0)
  assert.deepEqual(former(), [])
})

test('a store of a newer schema is refused and left as it is', async () => {
  const path = newPath()
  await (await openSqliteStore({ path }))[Symbol.asyncDispose]()
  const db = new DatabaseSync(path)
  db.exec(`pragma user_version = ${migrations.length + 1}`)
  await assert.rejects(openSqliteStore({ path }), (error: AppError) => error.code === 'store.schema-newer')
  assert.equal(db.prepare('pragma user_version').get()?.user_version, migrations.length + 1)
  db.close()
})

test('a store of the first schema is brought up to date with the messages that wait in it', async () => {
  const path = newPath()
  const db = new DatabaseSync(path)
  db.exec(migrations[0]!)
  db.exec(`insert into outbox values ('m', null, '{"id":"m"}', 5, 9, 7, 'dead', 1); pragma user_version = 1`)
  db.exec(`insert into tenant values ('t', 'T', 'a')`)
  db.exec(
    `insert into member values ('m', 't', 'x', null, 'none', 0, '{}', '', null, null, null, null, null, 1)`,
  )
  db.exec(`insert into proof values ('t', 'a', 'm', ${Date.now() + 600_000})`)
  const policy = { digits: 8, limits: { submissions: { address: ['30/60s'], memberAddress: ['4/60s'] } } }
  db.exec(`insert into app values ('a', 't', 'n', 'k', 0, 0, '${JSON.stringify(policy)}', 1)`)
  db.close()
  await using store = await openSqliteStore({ path })
  assert.equal((await store.directory.member('m'))?.deptCode, '1')
  const query = { ...memberQueryDefaults, tenant: 't', searchKey: 'X' }
  assert.equal(
    (await store.directory.searchMembers(query)).count,
    1,
    'listed though it was never listed before',
  )
  assert.deepEqual((await store.directory.app('a'))?.policy, {
    digits: 8,
    limits: { submissions: { memberAddress: ['4/60s'] } },
  })
  const [entry] = await store.outbox.claim(10, lease)
  assert.equal(entry?.message.id, 'm')
  assert.deepEqual(
    { ...entry, message: null, remainingMs: 0 },
    {
      message: null,
      queuedAt: 5,
      deadlineAt: 9,
      remainingMs: 0,
      nth: 2,
      tried: [],
      unknowns: 0,
      isSecond: false,
    },
  )
})

test('a file that is no database is refused by name', async () => {
  const path = newPath()
  writeFileSync(path, 'this is a letter, not a database'.repeat(100))
  await assert.rejects(openSqliteStore({ path }), (error: Error) => error.message.includes(path))
})

test('A-6: while another process holds the database calls are refused in time and never done later', async () => {
  const path = newPath()
  await using store = await openSqliteStore({ path })
  await store.now()
  const db = new DatabaseSync(path)
  db.exec('begin immediate')
  const ids = Array.from({ length: 50 }, (_, i) => newVerificationId(Date.now() + i, 'tel:+8613800138000'))
  const started = performance.now()
  const results = await Promise.allSettled(ids.map((id) => store.verifications.issue(issueOf(id))))
  const tookMs = performance.now() - started
  assert.ok(results.every((result) => result.status === 'rejected' && unavailable(result.reason)))
  assert.ok(tookMs < 5_000, 'refused by the deadline, not by patience')
  db.exec('rollback')
  db.close()
  for (let tries = 0; tries < 100; tries++)
    if (
      await store.now().then(
        () => true,
        () => false,
      )
    )
      break
  for (const id of ids) assert.equal(await store.verifications.get(id), undefined)
  assert.equal((await store.verifications.issue(issueOf())).kind, 'issued')
})

test('a call that fails takes none of its neighbours with it', async () => {
  await using store = await openSqliteStore({ path: newPath() })
  const same = issueOf()
  const results = await Promise.allSettled([
    store.verifications.issue(issueOf()),
    store.verifications.issue(same),
    store.verifications.issue({ ...same, key: { ...same.key, subject: 'another' } }), // the id is taken
    store.verifications.issue(issueOf()),
  ])
  assert.deepEqual(
    results.map((result) => result.status),
    ['fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
  )
})

test('calls of one turn share a commit', async () => {
  const path = newPath()
  await using store = await openSqliteStore({ path })
  await store.now()
  const db = new DatabaseSync(path)
  const version = () => Number(db.prepare('pragma data_version').get()?.data_version)
  let commits = 0
  let last = version()
  const watching = setInterval(() => {
    if (version() !== last) commits++
    last = version()
  })
  await Promise.all(Array.from({ length: 1000 }, () => store.verifications.issue(issueOf())))
  clearInterval(watching)
  db.close()
  assert.ok(commits <= 100, `${commits} commits for 1000 calls`)
})

test('of 500 calls in one commit the one that fails fails alone, and the others are done once', async () => {
  await using store = await openSqliteStore({ path: newPath() })
  const same = issueOf()
  await store.verifications.issue(same)
  const limit = {
    scope: 'member',
    key: 'iu:t:m',
    form: 'events',
    rules: [{ kind: 'window', max: 500, perMs: 60_000 }],
  } as const
  const results = await Promise.allSettled(
    Array.from({ length: 500 }, (_, nth) => {
      const request = nth === 250 ? { ...same, key: { ...same.key, subject: 'another' } } : issueOf()
      return store.verifications.issue({ ...request, limits: [limit] })
    }),
  )
  assert.deepEqual(
    results.flatMap((result, nth) => (result.status === 'rejected' ? [nth] : [])),
    [250],
  )
  assert.ok(results.every((result) => result.status === 'rejected' || result.value.kind === 'issued'))
  assert.equal((await store.limiters.acquire([limit])).kind, 'acquired', 'the 500th')
  assert.equal((await store.limiters.acquire([limit])).kind, 'throttled')
})

test('a call that fails halfway leaves no half', async () => {
  await using store = await openSqliteStore({ path: newPath() })
  const message = {
    id: '0'.repeat(32),
    tenant: 't',
    app: 'a',
    channel: 'sms',
    to: { kind: 'phone', e164: '+8613800138000', region: 'CN' },
    locale: 'en-US',
    template: 'contact-changed',
    values: {},
    lifetimeMs: 60_000,
    cooldown: [],
  } as const
  await assert.rejects(store.outbox.queue([message, message], lease), unavailable)
  assert.equal((await store.outbox.depth()).queued, 0)
})

test('a closed store refuses', async () => {
  const store = await openSqliteStore({ path: newPath() })
  const last = store.verifications.issue(issueOf())
  await store[Symbol.asyncDispose]()
  assert.equal((await last).kind, 'issued', 'closing waits for what was asked')
  await assert.rejects(store.now(), unavailable)
})

test('what was answered survives a SIGKILL', async () => {
  const path = newPath()
  const script = `
    import { openSqliteStore } from ${JSON.stringify(new URL('./sqlite-store.ts', import.meta.url).href)}
    const store = await openSqliteStore({ path: ${JSON.stringify(path)} })
    for (let i = 0; ; i++) {
      const id = i.toString(16).padStart(44, '1')
      await store.verifications.issue({ ...${JSON.stringify(issueOf())}, id, key: { tenant: 't', app: 'a', subject: id, address: 'x', purpose: 'new-contact' } })
      console.log(id)
    }`
  const file = join(folder, `child-${files++}.ts`)
  writeFileSync(file, script)
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  child.stdout.on('data', (chunk) => {
    printed += chunk
    if (printed.length > 10_000) child.kill('SIGKILL')
  })
  await once(child, 'close')
  const ids = printed.split('\n').filter((line) => line.length === 44)
  assert.ok(ids.length > 100)
  await using store = await openSqliteStore({ path })
  for (const id of ids) assert.ok(await store.verifications.get(id), id)
})

test('T-8: engine time never goes back, and a restart in the past begins where time had come', () => {
  const path = newPath()
  const hour = 3_600_000
  let wall = 1_700_000_000_000
  let monotonic = 0
  const db = new DatabaseSync(path)
  db.exec('create table meta (name text primary key, value any)')
  const start = () =>
    engineClock(
      db,
      () => wall,
      () => monotonic,
    )
  const clock = start()
  assert.equal(clock.now(), wall)
  wall += hour
  monotonic += 5_000
  assert.equal(clock.now(), 1_700_000_005_000, 'a wall clock set ahead does not move it')
  wall -= 2 * hour
  monotonic += 5_000
  assert.equal(clock.now(), 1_700_000_010_000, 'nor one set back')
  clock.persist()
  const restarted = start()
  assert.ok(restarted.now() >= 1_700_000_010_000)
  wall += 3 * hour
  assert.equal(start().now(), wall, 'a wall clock that is ahead of it is believed at a start')
  db.close()
})

test('a backup is whole, comes to an end under writes, and overwrites nothing', async () => {
  const path = newPath()
  await using store = await openSqliteStore({ path })
  const request = issueOf()
  await store.verifications.issue(request)
  const db = new DatabaseSync(path)
  db.exec('create table filling (bytes blob)')
  const fill = db.prepare('insert into filling values (randomblob(1000000))')
  db.exec('pragma synchronous = off')
  for (let i = 0; i < 60; i++) fill.run() // some 15,000 pages, with a write between any few hundred
  db.close()
  let isBusy = true
  const writing = (async () => {
    while (isBusy) await store.verifications.issue(issueOf())
  })()
  const target = `${path}.backup`
  const outcome = await Promise.race([
    backupSqlite(path, target).then(() => 'done'),
    new Promise((resolve) => setTimeout(resolve, 30_000, 'never done').unref()),
  ])
  isBusy = false
  await writing
  assert.equal(outcome, 'done')
  await using copy = await openSqliteStore({ path: target })
  assert.equal((await copy.verifications.get(request.id))?.id, request.id)
  await assert.rejects(backupSqlite(path, target), /exists already/)
  await assert.rejects(backupSqlite(newPath(), `${target}.2`), /no store/)
})

test('a backup writes through no link that somebody planted, and is for its owner alone', async () => {
  const path = newPath()
  await (await openSqliteStore({ path }))[Symbol.asyncDispose]()
  const target = `${path}.backup`
  const elsewhere = `${path}.elsewhere`
  symlinkSync(elsewhere, `${target}.partial`)
  const before = process.umask(0)
  await backupSqlite(path, target).finally(() => process.umask(before))
  assert.equal(existsSync(elsewhere), false)
  assert.equal(statSync(target).mode & 0o777, 0o600)
})

test('a data folder has one server, and is free again however that one ended', async () => {
  const own = mkdtempSync(join(folder, 'lock-'))
  const script = `
    import { lockDataFolder } from ${JSON.stringify(new URL('./data-lock.ts', import.meta.url).href)}
    globalThis.lock = lockDataFolder(${JSON.stringify(own)})
    console.log('locked')
    setInterval(() => {}, 1000)`
  const file = join(folder, `child-${files++}.ts`)
  writeFileSync(file, script)
  const child = spawn(process.execPath, [file], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(child.stdout, 'data')
  assert.throws(
    () => lockDataFolder(own),
    (error: AppError) => error.code === 'store.locked',
  )
  child.kill('SIGKILL')
  await once(child, 'exit')
  lockDataFolder(own)[Symbol.dispose]()
  assert.throws(
    () => lockDataFolder(join(own, 'missing')),
    (error: AppError) => error.code === 'store.unavailable' && error.message.includes('missing'),
  )
})

test('N-4: the race finds a count that is looked at first and raised afterwards', async () => {
  // The planted fault: what a store does that reads, waits for its answer, and writes.
  let count = 0
  const looksThenActs = async () => {
    const seen = count
    await new Promise((resolve) => setImmediate(resolve))
    count = seen + 1
    return seen < 5
  }
  const passed = (await Promise.all(Array.from({ length: 200 }, looksThenActs))).filter(Boolean).length
  assert.notEqual(passed, 5)
})
