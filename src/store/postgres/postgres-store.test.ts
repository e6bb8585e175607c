/** The contracts over PostgreSQL, straight and through a pooler, and races between processes. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Client } from 'pg'
import { requirePeer } from '../../../test/peers.ts'
import { pgbouncerPath, startPgbouncer } from '../../../test/pgbouncer.ts'
import { type Postgres, postgresPaths, startPostgres } from '../../../test/postgres.ts'
import { newApiKey } from '../../directory/api-key.ts'
import type { AppError } from '../../errors.ts'
import type { Limit } from '../../throttle/acquire.ts'
import { storeConformance } from '../conformance/conformance.ts'
import { newIssue, newKey, newMember, pause, times, unlike } from '../conformance/fixtures.ts'
import type { Store } from '../store.ts'
import { verbs } from '../verbs/verbs.ts'
import { type BatchedVerb, createBatches } from './batches.ts'
import { openConnection } from './connection.ts'
import { createPool } from './pool.ts'
import { openPostgresStore } from './postgres-store.ts'
import { bind, sql } from './statement.ts'
import { createTransactions } from './transaction.ts'

const postgresPeer = requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths)
const pgbouncerPeer = requirePeer('PgBouncer (apt-get install pgbouncer)', pgbouncerPath)

let postgres: Postgres
before(async () => {
  if (!postgresPeer.skip) postgres = await startPostgres()
})
after(() => postgres?.[Symbol.asyncDispose]())

const open = (database: string, port?: number) => {
  const direct = postgres.client(database)
  const client = port === undefined ? direct : { ...direct, port }
  return openPostgresStore({ client, poolSize: 6, deadlineMs: 10_000 })
}

function underTest(store: Store, second: Store, end?: () => PromiseLike<void>) {
  return {
    store,
    second,
    async [Symbol.asyncDispose]() {
      await second[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
      await end?.()
    },
  }
}

describe('straight', postgresPeer, () => {
  storeConformance('PostgreSQL', async () => {
    const database = await postgres.newDatabase()
    return underTest(await open(database), await open(database))
  })
})

describe('through a pooler', { ...postgresPeer, ...pgbouncerPeer }, () => {
  storeConformance('PostgreSQL behind PgBouncer in transaction mode', async () => {
    const database = await postgres.newDatabase()
    // Three of the server's connections for more than ten of ours.
    const pooler = await startPgbouncer(postgres, 3)
    return underTest(await open(database, pooler.port), await open(database, pooler.port), () =>
      pooler[Symbol.asyncDispose](),
    )
  })
})

describe('batches', postgresPeer, () => {
  test('a call whose time is all but over before it begins costs no connection', async () => {
    const pool = createPool({ client: postgres.client(await postgres.newDatabase()), size: 1 })
    const transactions = createTransactions(pool)
    const session = () =>
      pool.lend(performance.now() + 5_000, async (connection) => {
        const [rows] = await connection.run(
          [bind(sql('select to_json(pg_backend_pid())'))],
          performance.now() + 5_000,
        )
        return rows![0]
      })
    const before = await session()
    const batches = createBatches(transactions, 1, unlike())
    const refused = await new Promise<AppError>((resolve, reject) =>
      batches.add({
        verb: verbs['limiters.acquire'] as unknown as BatchedVerb,
        args: [[]],
        until: performance.now() - 1,
        resolve: reject,
        reject: resolve,
      }),
    )
    assert.equal(refused.code, 'store.unavailable')
    await assert.rejects(transactions.read(performance.now() + 5, bind(sql('select to_json(1)'))), /busy/)
    assert.equal(await session(), before)
    await batches.ended()
    await pool.close()
  })
})

describe('a connection', postgresPeer, () => {
  test('prepares a statement once, also where one message holds it twice', async () => {
    const client = postgres.client(await postgres.newDatabase())
    const connection = await openConnection(client, true, 5_000, () => undefined)
    const one = bind(sql('select to_json($1::integer)'), 1)
    for (const _ of [1, 2])
      assert.deepEqual(await connection.run([one, one], performance.now() + 5_000), [[1], [1]])
    await connection.close()
  })
})

describe('a busy server', postgresPeer, () => {
  test('a key without an end is in force however long the server takes between two readings of its clock', async () => {
    const database = await postgres.newDatabase()
    await using store = await open(database)
    const { directory, keys, webhooks } = store
    await directory.addTenant({ id: 't', name: 'T', accountApp: 'a' })
    const common = { name: 'A', sealedKey: 's', isServiceProvider: false, isDisabled: false, policy: {} }
    await directory.addApp({ id: 'a', tenant: 't', ...common, createdAt: 1 })
    const wishes = { name: '', kind: 'server', isTest: false, origins: [], networks: [] } as const
    const { key } = newApiKey({
      ...wishes,
      tenant: 't',
      app: 'a',
      scopes: ['events:read'],
      createdAt: 1,
      expiresAt: null,
    })
    await keys.add(key)
    await postgres.query(
      `create function public.clock_timestamp() returns timestamptz volatile language sql
         as 'select pg_sleep(0.003); select pg_catalog.clock_timestamp()'`,
      database,
    )
    await postgres.query(`alter database ${database} set search_path = public, pg_catalog`)
    await using slow = await open(database)
    assert.equal((await slow.keys.holder(key.hash))?.hasEvents, true)
    assert.deepEqual((await slow.webhooks.readers()).apps, ['a'])
    assert.deepEqual(await webhooks.readers(), await slow.webhooks.readers())
  })
})

describe('processes', postgresPeer, () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-postgres-race-'))
  after(() => rmSync(folder, { recursive: true }))

  /** Runs `act` (source of a function of the store) in a process of its own, once all have begun. */
  async function raced(count: number, database: string, act: string): Promise<unknown[]> {
    const file = join(folder, `${unlike()}.ts`)
    const store = JSON.stringify(new URL('./postgres-store.ts', import.meta.url).href)
    const client = JSON.stringify(postgres.client(database))
    writeFileSync(
      file,
      `import { openPostgresStore } from ${store}
      const store = await openPostgresStore({ client: ${client}, poolSize: 6, deadlineMs: 10_000 })
      await store.now()
      console.log('ready')
      process.stdin.once('data', async () => {
        console.log(JSON.stringify(await (${act})(store)))
        process.exit()
      })`,
    )
    const children = times(count, () =>
      spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] }),
    )
    const printed = children.map(() => '')
    await Promise.all(
      children.map((child, i) => {
        child.stdout.on('data', (chunk) => {
          printed[i] += chunk
        })
        return once(child.stdout, 'data')
      }),
    )
    const ended = children.map((child) => once(child, 'close'))
    for (const child of children) child.stdin.write('go\n')
    await Promise.all(ended)
    return printed.map((text) => JSON.parse(text.split('\n')[1]!))
  }

  test('N-3: of 400 simultaneous uses by two processes exactly one wins', async () => {
    const database = await postgres.newDatabase()
    await using store = await open(database)
    const request = newIssue()
    await store.verifications.issue(request)
    const use = JSON.stringify({ id: request.id, wrong: [], consumes: true })
    const wins = (await raced(
      2,
      database,
      `async (store) => (await Promise.all(Array.from({ length: 200 }, () => store.verifications.use(${use})))).filter(Boolean).length`,
    )) as number[]
    assert.equal(wins[0]! + wins[1]!, 1)
  })

  test('N-4: 400 simultaneous submissions by two processes spend exactly five', async () => {
    const database = await postgres.newDatabase()
    await using store = await open(database)
    const key = newKey()
    await store.verifications.issue(newIssue({ key }))
    const limit = {
      scope: 'member-address',
      key: unlike(),
      form: 'events',
      rules: [{ kind: 'window', max: 5, perMs: 60_000 }],
    }
    const request = JSON.stringify({ key, counted: [limit], wrong: [], maxSubmissions: 100 })
    const taken = (await raced(
      2,
      database,
      `async (store) => (await Promise.all(Array.from({ length: 200 }, () => store.verifications.takeSubmission(${request})))).filter((one) => one.kind === 'taken').length`,
    )) as number[]
    assert.equal(taken[0]! + taken[1]!, 5)
  })

  test('of 200 issues for one key by two processes one makes the verification', async () => {
    const database = await postgres.newDatabase()
    await using store = await open(database)
    const request = JSON.stringify({ ...newIssue(), message: undefined })
    const issued = (await raced(
      2,
      database,
      `async (store) => {
        const all = await Promise.all(Array.from({ length: 100 }, (_, nth) =>
          store.verifications.issue({ ...${request}, id: (process.pid * 1000 + nth).toString(16).padStart(44, '1') })))
        return all.map((one) => [one.kind, one.record.id])
      }`,
    )) as [string, string][][]
    const all = issued.flat()
    assert.equal(all.filter(([kind]) => kind === 'issued').length, 1)
    assert.equal(new Set(all.map(([, id]) => id)).size, 1)
    assert.equal(await store.verifications.countLive(), 1)
  })

  test('what was taken after a wait for one limiter is refunded to another that went on meanwhile', async () => {
    const database = await postgres.newDatabase()
    await using store = await open(database)
    await using second = await open(database)
    const limiter = (name: string, max: number): Limit => ({
      scope: 'network',
      key: name,
      form: 'events',
      rules: [{ kind: 'window', max, perMs: 60_000 }],
    })
    await store.limiters.acquire([limiter('a', 100), limiter('b', 100)])
    const holder = new Client(postgres.client(database))
    await holder.connect()
    await holder.query(`begin; select * from ledger where key = 'a' for update`)
    // Begun first, and held up.
    const waiting = store.limiters.acquire([limiter('a', 100), limiter('b', 100)])
    await pause(100)
    await second.limiters.acquire([limiter('b', 100)])
    await holder.query('commit')
    await holder.end()
    const taken = await waiting
    assert.ok(taken.kind === 'acquired')
    await store.limiters.refund(taken.hits)
    assert.equal((await store.limiters.acquire([limiter('b', 3)])).kind, 'acquired', 'the third')
  })

  test('a server that was cut off while the store was moved away neither reads nor writes it any more', async () => {
    const database = await postgres.newDatabase()
    await using store = await open(database)
    await store.now()
    const mark = (kind: string) => `'{"kind":"${kind}","move":"m","from":"f","to":"t"}'`
    await postgres.query(`insert into meta values ('move', ${mark('left')})`, database)
    const request = newIssue()
    const tenant = { id: 'late', name: 'Late', accountApp: 'a' }
    const isMoved = (error: AppError) =>
      error.code === 'store.unavailable' && /was moved to t/.test(error.message)
    await assert.rejects(store.verifications.issue(request), isMoved)
    await assert.rejects(store.directory.addTenant(tenant), isMoved)
    await assert.rejects(store.now(), isMoved)
    await postgres.query(`update meta set value = ${mark('arrived')} where name = 'move'`, database)
    assert.equal(await store.verifications.get(request.id), undefined)
    assert.equal(await store.directory.addTenant(tenant), true, 'for the first time')
  })

  test('A-7: what the first versions kept of a proof goes with its expiry', async () => {
    const database = await postgres.newDatabase()
    await using store = await open(database)
    await postgres.query(
      "insert into proof values ('t', 'a', 'm', 1), ('t', 'a', 'n', 4000000000000)",
      database,
    )
    await store.sweep(3_600_000)
    assert.deepEqual(await postgres.query('select member from proof', database), [{ member: 'n' }])
  })

  test('what stays of a deleted member goes with the retention', async () => {
    const database = await postgres.newDatabase()
    await using store = await open(database)
    const former = () => postgres.query('select account from former_member', database)
    await store.directory.addTenant({ id: 't', name: 'T', accountApp: 'a' })
    const member = newMember()
    await store.directory.putMembers([member])
    await store.directory.deleteMembers({ tenant: 't', members: [member] })
    await store.sweep(3_600_000)
    assert.equal((await former())[0]?.account, member.account)
    await pause(5)
    await store.sweep(0)
    assert.deepEqual(await former(), [])
  })

  test('calls of one turn share a commit', async () => {
    const database = await postgres.newDatabase()
    await using store = await open(database)
    await store.now()
    const commits = async () =>
      Number(
        (await postgres.query(`select xact_commit from pg_stat_database where datname = '${database}'`))[0]!
          .xact_commit,
      )
    const before = await commits()
    await Promise.all(times(1000, () => store.verifications.issue(newIssue())))
    await store[Symbol.asyncDispose]() // a server process tells of its commits when it ends, at the latest
    for (let tries = 0; (await commits()) === before && tries < 100; tries++)
      await new Promise((resolve) => setTimeout(resolve, 50))
    const made = (await commits()) - before
    assert.ok(made <= 100, `${made} commits for 1000 calls`)
  })

  test('100 batches that lock the same rows in other orders do not wait for each other in a circle', async () => {
    const database = await postgres.newDatabase()
    await using store = await open(database)
    await using second = await open(database)
    const keys = times(300, () => unlike())
    const limitOf = (key: string) => ({ scope: 'member', key, form: 'events', rules: [] }) as const
    // Each from the other end: wherever they meet, each has what the other wants.
    const turned = (nth: number) => (nth % 2 ? keys : keys.toReversed()).map(limitOf)
    await store.limiters.acquire(turned(0))
    await Promise.all(
      times(8, async (nth) => {
        for (let round = 0; round < 12; round++) {
          await (nth % 2 ? store : second).limiters.acquire(turned(nth))
          await new Promise((resolve) => setImmediate(resolve))
        }
      }),
    )
    const [row] = await postgres.query(`select deadlocks from pg_stat_database where datname = '${database}'`)
    assert.equal(row?.deadlocks, '0')
  })
})

describe('events', postgresPeer, () => {
  const connect = async (database: string): Promise<Client> => {
    const client = new Client(postgres.client(database))
    await client.connect()
    return client
  }
  const write = (client: Client, id: string) =>
    client.query(
      `insert into event (id, type, tenant, app, verification, at, facts)
       values ($1, 'verification.used', 't', 'a', 'v', 1, '{}')`,
      [id],
    )

  test('a reader skips no event of a transaction that began first and commits late', async () => {
    const database = await postgres.newDatabase()
    await using store = await open(database)
    const [slow, quick] = [await connect(database), await connect(database)]
    try {
      const found: string[] = []
      let after: string | null = null
      const look = async () => {
        const page = await store.events.read({ app: 'a', after, types: null, max: 100 })
        found.push(...page!.events.map(({ id }) => id))
        after = page!.last ?? after
        return found.length
      }
      await write(quick, 'before')
      assert.equal(await look(), 1)
      await slow.query('begin')
      await write(slow, 'late')
      await write(quick, 'quick') // committed at once
      assert.equal(await look(), 1, 'it waits for the one that may still come before')
      assert.deepEqual(await store.events.heads(['a']), ['before'])
      await slow.query('commit')
      while ((await look()) < 3);
      assert.deepEqual(found, ['before', 'late', 'quick'])
      // One that is rolled back holds nobody up.
      await slow.query('begin')
      await write(slow, 'never')
      await write(quick, 'last')
      await slow.query('rollback')
      while ((await look()) < 4);
      assert.deepEqual(found, ['before', 'late', 'quick', 'last'])
    } finally {
      await slow.end()
      await quick.end()
    }
  })

  test('events of a server that counted more transactions are read in their order after a restore', async () => {
    const database = await postgres.newDatabase()
    const client = await connect(database)
    const read = async () => {
      await using store = await open(database)
      return (await store.events.read({ app: 'a', after: null, types: null, max: 10 }))!.events.map(
        ({ id }) => id,
      )
    }
    try {
      await (await open(database))[Symbol.asyncDispose]()
      await write(client, '1')
      await client.query(
        `insert into event (id, tx, seq, type, tenant, app, verification, at, facts)
         select id, tx, seq, 'verification.used', 't', 'a', 'v', 1, '{}'
         from (values ('4', 9000000000001, 1), ('3', 9000000000000, 3), ('2', 9000000000000, 2)) r (id, tx, seq)`,
      )
      assert.deepEqual(await read(), ['1', '2', '3', '4'])
      await write(client, '5')
      assert.deepEqual(await read(), ['1', '2', '3', '4', '5'])
    } finally {
      await client.end()
    }
  })
})
