/** Moves between real engines: everything arrives unchanged and once, a fault is found, and marks keep servers off. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, test } from 'node:test'
import { type Made, makeInstallation, toldOf } from '../../../test/installation.ts'
import { requirePeer } from '../../../test/peers.ts'
import { type Postgres, postgresPaths, startPostgres } from '../../../test/postgres.ts'
import type { AppError } from '../../errors.ts'
import { defaultAddressCap, defaultLimits, issueLimits } from '../../throttle/policy.ts'
import { newIssue, newMember } from '../conformance/fixtures.ts'
import type { PostgresChoice, StoreChoice } from '../engines.ts'
import { openMovable, openStore } from '../open-store.ts'
import { type MoveOptions, moveStore, undoMove } from './move.ts'
import { createDigest, type MovedRow, movedTables } from './tables.ts'

const peer = requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths)
const folder = mkdtempSync(join(tmpdir(), 'countersign-move-'))
after(() => rmSync(folder, { recursive: true }))

type FileChoice = Extract<StoreChoice, { engine: 'sqlite' }>
let files = 0
const newFile = (): FileChoice => ({ engine: 'sqlite', path: join(folder, `${++files}.db`) })

const silent: MoveOptions = { isRehearsal: false, onProgress: () => undefined }

async function moved(from: StoreChoice, to: StoreChoice, options: Partial<MoveOptions> = {}) {
  await using source = await openMovable(from, options.isRehearsal ? 'snapshot' : 'source')
  await using target = await openMovable(to, 'target')
  return await moveStore(source, target, { ...silent, ...options })
}

/** Opens it as a server does, which may be refused. */
async function open(choice: StoreChoice): Promise<void> {
  await (await openStore(choice))[Symbol.asyncDispose]()
}

const refusal = (code: AppError['code'], words: RegExp) => (error: AppError) => {
  assert.equal(error.code, code, error.message)
  assert.match(error.message, words)
  return true
}

class Killed extends Error {}
/** Ends the move at its nth report of progress, as a kill would. */
const killedAt = (nth: number): Pick<MoveOptions, 'onProgress'> => {
  let left = nth
  return {
    onProgress() {
      if (--left === 0) throw new Killed()
    },
  }
}

test('a checksum tells every change of a value, a missing row and a row twice, and not an order', () => {
  const table = movedTables.find(({ name }) => name === 'ledger')!
  const row = { key: 'a:b', form: 'events', numbers: [1, 2.5], forgotten_at: 3 }
  const other = { ...row, key: 'a:c' }
  const of = (...rows: MovedRow[]) => {
    const digest = createDigest(table)
    for (const one of rows) digest.add(one)
    return digest.value().checksum
  }
  assert.equal(of(row, other), of(other, row))
  for (const changed of [
    [row],
    [row, row],
    [row, other, other],
    [row, { ...other, numbers: [1, 2.25] }],
    [row, { ...other, forgotten_at: null }],
    [{ ...row, forgotten_at: 4 }, other],
  ])
    assert.notEqual(of(...changed), of(row, other))
})

test('a checksum of JSON is of its value, not of the order of its members', () => {
  const of = (profile: unknown) => {
    const digest = createDigest(movedTables.find(({ name }) => name === 'member')!)
    digest.add({ id: 'm', profile })
    return digest.value().checksum
  }
  assert.equal(of({ a: [1, { b: 2, c: 3 }], d: null }), of({ d: null, a: [1, { c: 3, b: 2 }] }))
  assert.notEqual(of({ a: [1, 2] }), of({ a: [2, 1] }))
  assert.notEqual(of({ a: 1 }), of({ a: 1, b: null }))
})

describe('between SQLite and PostgreSQL', peer, () => {
  let postgres: Postgres
  before(async () => {
    postgres = await startPostgres()
  })
  after(() => postgres[Symbol.asyncDispose]())

  const newDatabase = async (): Promise<PostgresChoice> => {
    const { host, port, user, password, database } = postgres.client(await postgres.newDatabase())
    const place = { host, port, user, password, database, connections: 6, direct: { host, port }, hot: null }
    return { engine: 'postgres', ...place, tls: 'off', caFile: null }
  }
  const told = async (choice: StoreChoice, made: Made) => {
    await using store = await openStore(choice, { deadlineMs: 30_000 })
    return await toldOf(store, made)
  }
  /** Fills it with people, and reads their records through the contract. */
  const fill = async (choice: StoreChoice, count: number, seed: number) => {
    await using store = await openStore(choice, { deadlineMs: 30_000 })
    const made = await makeInstallation(store, count, seed)
    return { made, told: await toldOf(store, made) }
  }
  const filled = async (count: number, seed: number) => {
    const choice = newFile()
    return { choice, ...(await fill(choice, count, seed)) }
  }

  test('a move knows every table and column of both schemas', async () => {
    const [file, database] = [newFile(), await newDatabase()]
    await open(file)
    await open(database)
    const db = new DatabaseSync(file.path)
    const inSqlite = db
      .prepare(
        `select t.name as "table", c.name as "column" from sqlite_schema t, pragma_table_info(t.name) c
         where t.type in ('table', 'view') and t.name not like 'sqlite_%' and t.name <> 'meta'
           -- What the log has is in its table when a move begins.
           and t.name <> 'limiter_log'
           -- Messages that wait lie in this table; the view outbox has these columns of theirs.
           and not (t.name = 'dispatch' and c.name in ('is_due', 'body', 'deadline_at', 'due_at', 'owner', 'tried',
             'unknowns', 'second', 'handing'))`,
      )
      .all()
    db.close()
    const inPostgres = await postgres.query(
      `select table_name as table, column_name as column from information_schema.columns
       -- What proof holds is of processes of the version before, and lives for ten minutes.
       where table_schema = 'public' and table_name not in ('meta', 'proof')`,
      database.database,
    )
    const known = movedTables.flatMap(({ name, from, columns }) =>
      name === from ? Object.keys(columns).map((column) => `${name}.${column}`) : [],
    )
    for (const found of [inSqlite, inPostgres])
      assert.deepEqual(found.map((one) => `${one.table}.${one.column}`).toSorted(), known.toSorted())
  })

  for (const seed of [1, 2, 3])
    test(`everything arrives as it was, and comes back so (people of seed ${seed})`, async () => {
      const { choice, told: before, made } = await filled(1_200, seed)
      {
        // Passes of the sweep are known from then on.
        await using store = await openStore(choice)
        await store.sweep(86_400_000)
      }
      const [there, back] = [await newDatabase(), newFile()]
      const result = await moved(choice, there)
      assert.ok(result.kind === 'moved')
      for (const { name, source } of result.tables)
        assert.ok(source.rows > 0, `nothing of ${name} was there to move`)
      assert.deepEqual(await told(there, made), before)
      assert.equal((await moved(there, back)).kind, 'moved')
      assert.deepEqual(await told(back, made), before)
      await using store = await openStore(back)
      await store.events.setReaders(['a-t'])
      const added = { type: 'carrier.closed', tenant: 't', app: 'a-t', verification: '', facts: {} } as const
      const [last] = await store.events.heads(['a-t'])
      await store.events.append([added])
      const [newest] = await store.events.heads(['a-t'])
      const page = await store.events.read({ app: 'a-t', after: last!, types: null, max: 10 })
      assert.deepEqual([page?.events.map(({ id }) => id), page?.last], [[newest], newest], 'comes last')
    })

  test('texts that one engine keeps and the other cannot hold no move up', async () => {
    const choice = newFile()
    {
      await using store = await openStore(choice)
      await store.directory.addTenant({ id: 't', name: 'T', accountApp: 'a' })
      const profile = {
        name: 'half \ud83d',
        englishName: '',
        signature: 'zero \0',
        title: 'whole',
        description: '',
      }
      await store.directory.putMembers([newMember({ id: 'odd', account: 'odd\0', profile })])
    }
    const there = await newDatabase()
    assert.equal((await moved(choice, there)).kind, 'moved')
    await using store = await openStore(there)
    assert.equal((await store.directory.member('odd'))?.profile.title, 'whole')
  })

  test('a move that is killed anywhere goes on where it was, and loses and doubles nothing', async () => {
    const { choice, told: before, made } = await filled(1_500, 4)
    const there = await newDatabase()
    let kills = 0
    for (let nth = 2; ; nth += 3) {
      try {
        assert.equal((await moved(choice, there, killedAt(nth))).kind, 'moved')
        break
      } catch (error) {
        if (!(error instanceof Killed)) throw error
        kills++
        for (const half of [choice, there])
          await assert.rejects(open(half), refusal('store.moved', /"countersign migrate" again/))
      }
    }
    assert.ok(kills >= 5, `${kills} kills`)
    assert.deepEqual(await told(there, made), before)
    assert.equal((await moved(choice, there)).kind, 'done', 'once more does nothing')
    await assert.rejects(open(choice), refusal('store.moved', /was moved to postgres:/))
  })

  test('a kill between the last two marks is made good by running it again', async () => {
    const { choice } = await filled(5, 5)
    const there = await newDatabase()
    {
      await using source = await openMovable(choice, 'source')
      await using target = await openMovable(there, 'target')
      const cut: typeof source = {
        ...source,
        async setMark(mark) {
          if (mark?.kind === 'left') throw new Killed()
          await source.setMark(mark)
        },
      }
      await assert.rejects(moveStore(cut, target, silent), Killed)
    }
    await assert.rejects(open(choice), refusal('store.moved', /again/))
    await open(there)
    assert.equal((await moved(choice, there)).kind, 'done')
    await assert.rejects(open(choice), refusal('store.moved', /was moved/))
  })

  for (const [fault, body] of [
    ['a row that is dropped', 'return case when new.id = $ID then null else new end'],
    ['a row that is changed', 'new.is_disabled = new.is_disabled <> (new.id = $ID); return new'],
    ['a row under another id', "if new.id = $ID then new.id = 'x'; end if; return new"],
  ] as const)
    test(`${fault} fails the move, and the next one begins anew`, async () => {
      const { choice, told: before, made } = await filled(40, 6)
      const there = await newDatabase()
      await open(there)
      await postgres.query(
        `create function fault() returns trigger language plpgsql
           as $f$ begin ${body.replaceAll('$ID', () => `'${made.members[7]}'`)}; end $f$;
         create trigger fault before insert on member for each row execute function fault()`,
        there.database,
      )
      const result = await moved(choice, there)
      assert.ok(result.kind === 'different')
      const different = result.tables.filter(({ source, target }) => source.checksum !== target.checksum)
      assert.deepEqual(
        different.map(({ name }) => name),
        ['member'],
      )
      await assert.rejects(open(there), refusal('store.moved', /copy/))
      await assert.rejects(open(choice), refusal('store.moved', /--undo/))
      await postgres.query('drop trigger fault on member', there.database)
      assert.equal((await moved(choice, there)).kind, 'moved')
      assert.deepEqual(await told(there, made), before)
    })

  test('a row that vanishes at the target between two runs fails the move', async () => {
    const { choice, made } = await filled(40, 16)
    const there = await newDatabase()
    await assert.rejects(moved(choice, there, killedAt(12)), Killed)
    await postgres.query(`delete from member where id = '${made.members[3]}'`, there.database)
    assert.equal((await moved(choice, there)).kind, 'different')
  })

  test('a rehearsal needs no rest, leaves the source as it is, and its copy serves nobody', async () => {
    const { choice, made } = await filled(300, 7)
    const there = await newDatabase()
    {
      await using store = await openStore(choice, { deadlineMs: 30_000 })
      let written = 0
      let isOver = false
      const writing = (async () => {
        for (; !isOver; written++) await store.verifications.issue(newIssue())
      })()
      assert.equal((await moved(choice, there, { isRehearsal: true })).kind, 'rehearsed')
      assert.ok(written > 0)
      isOver = true
      await writing
      await assert.rejects(open(there), refusal('store.moved', /copy/))
      await assert.rejects(moved(choice, there), refusal('store.locked', /using it/))
    }
    const before = await told(choice, made)
    assert.equal((await moved(choice, there)).kind, 'moved')
    assert.deepEqual(await told(there, made), before)
  })

  test('a rehearsal from PostgreSQL sees one moment, while servers write', async () => {
    const [there, back] = [await newDatabase(), newFile()]
    await fill(there, 200, 17)
    await using store = await openStore(there, { deadlineMs: 30_000 })
    let isOver = false
    const writing = (async () => {
      while (!isOver) await store.verifications.issue(newIssue())
    })()
    assert.equal((await moved(there, back, { isRehearsal: true })).kind, 'rehearsed')
    isOver = true
    await writing
    await assert.rejects(open(back), refusal('store.moved', /copy/))
  })

  test('limits taken before are in force after', async () => {
    const [choice, there] = [newFile(), await newDatabase()]
    const subject = {
      tenant: 't',
      app: 'a',
      subject: 'm',
      limiterKey: 'tel:+1',
      network: '2001:db8::/64',
      isHolder: false,
    }
    const limits = issueLimits(subject, defaultLimits, defaultAddressCap)
    {
      await using store = await openStore(choice)
      assert.equal((await store.limiters.acquire(limits)).kind, 'acquired')
    }
    await moved(choice, there)
    await using store = await openStore(there)
    // Each by itself: every form of a limiter came under the key it is asked for by.
    const refused = await Promise.all(
      limits
        .filter(({ form, looksOnly }) => form === 'events' && !looksOnly)
        .map(({ rules, ...limit }) =>
          store.limiters.acquire([{ ...limit, rules: [{ kind: 'window', max: 1, perMs: 3_600_000 }] }]),
        ),
    )
    assert.ok(refused.length >= 3)
    for (const result of refused) assert.equal(result.kind, 'throttled')
  })

  test('engine time does not go back: a target behind it is refused, or waited for', async () => {
    const { choice } = await filled(2, 8)
    const there = await newDatabase()
    const setTime = (aheadMs: number) => {
      const db = new DatabaseSync(choice.path)
      db.prepare(`update meta set value = ? where name = 'engine_time'`).run(Date.now() + aheadMs)
      db.close()
    }
    setTime(3_600_000)
    await assert.rejects(moved(choice, there), refusal('input.invalid', /clock is 36\d\d s behind/))
    setTime(1_500)
    const reached = Date.now() + 1_500
    assert.equal((await moved(choice, there)).kind, 'moved', 'the refused move left no mark')
    await using store = await openStore(there)
    assert.ok((await store.now()) >= reached)
  })

  test('the embedded engine takes the time of the store it is filled from', async () => {
    const [there, back] = [await newDatabase(), newFile()]
    await fill(there, 2, 9)
    {
      await using source = await openMovable(there, 'source')
      await using target = await openMovable(back, 'target')
      const ahead = { ...source, timeReached: async () => (await source.timeReached()) + 3_600_000 }
      assert.equal((await moveStore(ahead, target, silent)).kind, 'moved')
    }
    await using store = await openStore(back)
    assert.ok((await store.now()) >= Date.now() + 3_590_000)
  })

  test('a store with data of its own, in use, or not there is refused and left as it was', async () => {
    const { choice } = await filled(3, 10)
    const other = await newDatabase()
    await fill(other, 3, 11)
    await assert.rejects(moved(choice, other), refusal('input.invalid', /data of its own/))
    await assert.rejects(moved(other, choice), refusal('input.invalid', /data of its own/))
    await assert.rejects(moved(newFile(), await newDatabase()), refusal('input.invalid', /there is no store/))
    await open(choice)
    await open(other)
    const empty = await newDatabase()
    for (const [used, from, to] of [
      [other, other, newFile()],
      [empty, choice, empty],
    ] as const) {
      await using store = await openStore(used)
      await store.now()
      await assert.rejects(moved(from, to), refusal('store.locked', /connection/))
    }
    assert.equal((await moved(choice, empty)).kind, 'moved')
  })

  test('two moves to one place do not mix: one that finds another mark than its own ends', async () => {
    const there = await newDatabase()
    await using target = await openMovable(there, 'target')
    await target.mark()
    await target.clear({ kind: 'copy', from: 'first' })
    const [tenant] = movedTables
    const row = { id: 't', name: 'T', account_app: 'a', address: '', auto_user_create: true }
    await postgres.query(
      `update meta set value = '{"kind":"copy","from":"second"}' where name = 'move'`,
      there.database,
    )
    await assert.rejects(
      target.add(tenant!, [row], { kind: 'copy', from: 'first' }),
      refusal('store.locked', /another move/),
    )
    assert.equal(await target.count(tenant!), 0)
  })

  test('a rehearsal leaves the schema of the source to its servers, and tells to upgrade them first', async () => {
    const there = await newDatabase()
    const rehearsed = () => moved(there, newFile(), { isRehearsal: true })
    await assert.rejects(rehearsed(), refusal('input.invalid', /has schema 0/))
    const [made] = await postgres.query(`select to_regclass('meta') as meta`, there.database)
    assert.equal(made?.meta, null)
    await open(there)
    await postgres.query(`update meta set value = '99' where name = 'schema'`, there.database)
    await assert.rejects(rehearsed(), refusal('input.invalid', /has schema 99, and this version moves/))
  })

  test('rows and mark are written both or neither', async () => {
    const [tenant] = movedTables
    const row = { id: 't', name: 'T', account_app: 'a', address: '', auto_user_create: true }
    for (const choice of [newFile(), await newDatabase()]) {
      const begun = { kind: 'copy', from: 'begun' } as const
      {
        await using target = await openMovable(choice, 'target')
        await target.mark()
        await target.clear(begun)
        const twice = target.add(tenant!, [row, row], { kind: 'copy', from: 'added' })
        await assert.rejects(twice, refusal('store.unavailable', /unique/i))
      }
      await using target = await openMovable(choice, 'target')
      assert.deepEqual(await target.mark(), begun)
      assert.equal(await target.count(tenant!), 0)
    }
  })

  test('a move that is given up lets the source be used again', async () => {
    const { choice, told: before, made } = await filled(60, 14)
    const there = await newDatabase()
    await assert.rejects(moved(choice, there, killedAt(4)), Killed)
    const elsewhere = moved(choice, newFile())
    await assert.rejects(elsewhere, refusal('input.invalid', /being moved to postgres:.* already/))
    {
      await using source = await openMovable(choice, 'source')
      assert.equal((await undoMove(source))?.kind, 'leaving')
    }
    assert.deepEqual(await told(choice, made), before)
    await assert.rejects(open(there), refusal('store.moved', /being filled/))
    assert.equal((await moved(choice, there)).kind, 'moved', 'what was half is begun anew')
    assert.deepEqual(await told(there, made), before)
  })

  test('the journal goes on behind what was moved', async () => {
    const { choice } = await filled(20, 15)
    const there = await newDatabase()
    await moved(choice, there)
    await using store = await openStore(there)
    const read = () => store.journal.read({ sinceMs: 0, most: 1000 })
    const before = await read()
    const entry = { kind: 'refusal', tenant: 't', app: 'a', member: 'last', verification: '' } as const
    await store.journal.append({ ...entry, detail: {} })
    assert.equal((await read()).length, before.length + 1)
    assert.equal((await read()).at(-1)?.member, 'last')
  })
})
