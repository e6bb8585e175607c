import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { movedTables } from '../move/tables.ts'
import { type LoggedLimiter, limiterRow, openLimiterLog, readLimiterLog, unpack } from './limiter-log.ts'
import { sqliteLimiters } from './limiters.ts'
import { migrations } from './migrations.ts'
import { openMovableSqlite } from './movable.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-limiter-log-'))
after(() => rmSync(folder, { recursive: true }))

let files = 0
const open = (path = join(folder, `${files++}.db`), isNew = true) => {
  const db = new DatabaseSync(path)
  if (isNew) {
    db.exec('pragma journal_mode = wal; pragma synchronous = off')
    for (const step of migrations) db.exec(step)
    db.exec(`pragma user_version = ${migrations.length}`)
  }
  return { db, path }
}

const never = 1e15
const keyOf = (nth: number) => `im:t:member-${nth}:a`

/** One transaction that puts limiters. @param commits  false: it is rolled back. */
function put(
  { db, log }: { db: DatabaseSync; log: ReturnType<typeof openLimiterLog> },
  limiters: readonly LoggedLimiter[],
  { now = 1, commits = true } = {},
): void {
  db.exec('begin immediate')
  log.begin(now)
  log.flush(new Map(limiters.map((one) => [one.key, one])), now)
  db.exec(commits ? 'commit' : 'rollback')
  if (commits) log.committed()
}

const limiter = (nth: number, numbers: readonly number[], forgottenAt = never): LoggedLimiter => ({
  key: keyOf(nth),
  form: 'events',
  numbers,
  forgottenAt,
})

const tableOf = (db: DatabaseSync) =>
  new Map(
    db
      .prepare('select key, numbers from ledger')
      .all()
      .map((row) => [row.key as string, unpack(row.numbers as Uint8Array)]),
  )
const logged = (db: DatabaseSync) =>
  (db.prepare('select count(*) as count from limiter_log').get() as { count: number }).count

/** What a unit of work reads. */
function readBy(db: DatabaseSync, keys: readonly string[]) {
  const limiters = sqliteLimiters(db)
  db.exec('begin immediate')
  limiters.begin(1)
  const found = keys.map((key) => limiters.read(key))
  db.exec('rollback')
  return found
}

test('every limiter has its last committed state, whatever moved meanwhile and whoever wrote', () => {
  const acts = fc.array(
    fc.record({
      // Mostly one, since a round begins anew when another has written.
      by: fc.constantFrom(0, 0, 0, 0, 1),
      changes: fc.array(fc.tuple(fc.nat(9), fc.array(fc.nat(99), { maxLength: 3 })), { maxLength: 4 }),
      commits: fc.boolean(),
      reopens: fc.constantFrom(false, false, false, true),
    }),
    { maxLength: 40 },
  )
  fc.assert(
    fc.property(acts, fc.constantFrom(1, 60, 400), (all, roundBytes) => {
      const { db, path } = open()
      const second = open(path, false).db
      const dbs = [db, second]
      const logs = dbs.map((one) => openLimiterLog(one, { roundBytes, minMoved: 1 }))
      const keys = Array.from({ length: 10 }, (_, nth) => keyOf(nth))
      const expected = new Map<string, readonly number[]>()
      for (const { by, changes, commits, reopens } of all) {
        if (reopens) logs[by] = openLimiterLog(dbs[by]!, { roundBytes, minMoved: 1 })
        const limiters = new Map(changes.map(([nth, numbers]) => [nth, limiter(nth, numbers)]))
        put({ db: dbs[by]!, log: logs[by]! }, [...limiters.values()], { commits })
        if (commits) for (const one of limiters.values()) expected.set(one.key, one.numbers)
        const table = tableOf(dbs[by]!)
        for (const key of keys)
          assert.deepEqual(
            logs[by]!.get(key)?.numbers ?? table.get(limiterRow(key)) ?? [],
            expected.get(key) ?? [],
          )
      }
      const wanted = keys.map((key) => (expected.get(key)?.length ? expected.get(key) : undefined))
      for (const one of dbs) assert.deepEqual(readBy(one, keys), wanted)
      for (const one of dbs) one.close()
    }),
    { numRuns: 100 },
  )
})

test('limiters move into the table in rounds, and leave the log empty', () => {
  const { db } = open()
  const log = openLimiterLog(db, { roundBytes: 1_000, minMoved: 64 })
  for (let nth = 0; nth < 300; nth++) put({ db, log }, [limiter(nth, [-60_000, nth])])
  assert.ok(tableOf(db).size > 200)
  assert.ok(logged(db) < 60)
  for (let turn = 0; turn < 20; turn++) put({ db, log }, [], { now: 1 + turn * 400_000 })
  assert.equal(tableOf(db).size, 300)
  assert.deepEqual(tableOf(db).get('t:member-7:a:im'), [-60_000, 7])
  assert.equal(logged(db), 0)
  db.close()
})

test('a limiter that changes while its round moves stays in the log for the next round', () => {
  const { db } = open()
  const log = openLimiterLog(db, { roundBytes: 500, minMoved: 1 })
  put(
    { db, log },
    Array.from({ length: 20 }, (_, nth) => limiter(nth, [1])),
  )
  put({ db, log }, [])
  put({ db, log }, [limiter(9, [2])])
  for (let turn = 0; turn < 20; turn++) put({ db, log }, [])
  assert.equal(tableOf(db).size, 19)
  assert.equal(logged(db), 1)
  assert.deepEqual(log.get(keyOf(9))?.numbers, [2])
  db.close()
})

test('what was emptied or is forgotten leaves the table instead of moving into it', () => {
  const { db } = open()
  const log = openLimiterLog(db, { roundBytes: 1, minMoved: 64 })
  put({ db, log }, [limiter(1, [5]), limiter(2, [5]), limiter(3, [5])])
  put({ db, log }, [])
  assert.equal(tableOf(db).size, 3)
  put({ db, log }, [limiter(1, []), limiter(2, [5, 6], 100), limiter(3, [5, 6])])
  put({ db, log }, [], { now: 100 })
  assert.deepEqual([...tableOf(db).values()], [[5, 6]])
  db.close()
})

test('after a crash no limiter is missing', () => {
  const { db, path } = open()
  const log = openLimiterLog(db)
  put({ db, log }, [limiter(1, [1, 2])])
  // Opened beside the first, which never closes: as after a crash.
  const { db: next } = open(path, false)
  assert.deepEqual(readBy(next, [keyOf(1), keyOf(2)]), [[1, 2], undefined])
  next.close()
  db.close()
})

test('a move carries limiters that are still in the log, and a snapshot sees them without writing', async () => {
  const { db, path } = open()
  const log = openLimiterLog(db, { roundBytes: 1, minMoved: 64 })
  put({ db, log }, [limiter(1, [1]), limiter(2, [2]), limiter(3, [3])])
  put({ db, log }, [])
  put({ db, log }, [limiter(1, [4]), limiter(2, []), limiter(5, [5])])
  const table = movedTables.find(({ name }) => name === 'ledger')!
  for (const role of ['snapshot', 'source'] as const) {
    if (role === 'source') db.close()
    await using store = await openMovableSqlite(path, role)
    const { rows } = await store.page(table, null)
    assert.deepEqual(
      rows.map(({ key, numbers }) => [key, numbers]),
      [
        [keyOf(1), [4]],
        [keyOf(3), [3]],
        [keyOf(5), [5]],
      ],
    )
    assert.equal(await store.count(table), 3)
    if (role === 'snapshot') assert.ok(readLimiterLog(db).limiters.size > 0)
  }
})
