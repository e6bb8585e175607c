/** Calls while PostgreSQL is away, hung, full or out of reach: refused in time, never done later, and accepted afterwards. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { Client } from 'pg'
import { requirePeer } from '../../../test/peers.ts'
import { type Postgres, postgresPaths, startPostgres } from '../../../test/postgres.ts'
import type { AppError } from '../../errors.ts'
import { lease, newIssue, newKey, newMessage, pause, times, unlike } from '../conformance/fixtures.ts'
import { memberQueryDefaults } from '../member-search.ts'
import type { Store } from '../store.ts'
import { migrations } from './migrations.ts'
import { openPostgresStore } from './postgres-store.ts'

const peer = requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths)
const unavailable = (error: AppError) => error.code === 'store.unavailable'
const deadlineMs = 800

/** Far beyond any deadline, even on a machine under load: a call that takes longer hangs. */
const patienceMs = 5_000

describe('PostgreSQL under faults', peer, () => {
  let postgres: Postgres
  let database: string
  before(async () => {
    postgres = await startPostgres({ max_connections: 30, superuser_reserved_connections: 5 })
    database = await postgres.newDatabase()
    await (await open())[Symbol.asyncDispose]()
  })
  after(() => postgres[Symbol.asyncDispose]())

  const open = (change: { port?: number; poolSize?: number; on?: string; deadlineMs?: number } = {}) => {
    const client = { ...postgres.client(change.on ?? database), ...(change.port && { port: change.port }) }
    return openPostgresStore({
      client,
      poolSize: change.poolSize ?? 6,
      deadlineMs,
      ...change,
    })
  }
  const isThere = async (store: Store, id: string) => (await store.verifications.get(id)) !== undefined

  /** Asks until it is answered. */
  async function well(store: Store): Promise<void> {
    for (const end = performance.now() + 30_000; ; ) {
      const isWell = await store.verifications.issue(newIssue()).then(
        () => true,
        () => false,
      )
      if (isWell) return
      assert.ok(performance.now() < end, 'not well again within 30 s')
      await pause(20)
    }
  }

  /** Issues without pause from many callers until it is stopped. @returns The answered and the refused ones. */
  function load(store: Store) {
    const [accepted, refused]: [string[], string[]] = [[], []]
    let slowestMs = 0
    let isOn = true
    const one = async () => {
      while (isOn) {
        const request = newIssue()
        const startedAt = performance.now()
        try {
          await store.verifications.issue(request)
          accepted.push(request.id)
        } catch (error) {
          assert.ok(unavailable(error as AppError))
          refused.push(request.id)
          await pause(5)
        }
        slowestMs = Math.max(slowestMs, performance.now() - startedAt)
      }
    }
    const all = Promise.all(times(20, one))
    return async () => {
      isOn = false
      await all
      return { accepted, refused, slowestMs }
    }
  }

  // A commit that the server had begun to flush when it hung is done when it goes on: the one case nobody can know.
  test('A-6: while the server hangs calls are refused in time, and it is well when it goes on', async () => {
    await using store = await open()
    await well(store)
    const stop = load(store)
    await pause(100)
    postgres.signal('SIGSTOP')
    await pause(2_000)
    postgres.signal('SIGCONT')
    await well(store)
    const { accepted, refused, slowestMs } = await stop()
    assert.ok(refused.length >= 20, `${refused.length} refused`)
    assert.ok(slowestMs < patienceMs, `the slowest took ${slowestMs} ms`)
    await pause(200)
    for (const id of accepted) assert.ok(await isThere(store, id), 'answered')
  })

  test('A-6: what reaches the server late is not done, for its callers were refused', async () => {
    await using line = await faultyLine(postgres.port)
    // Shorter than the time after which the server itself ends a transaction that waits for its next message.
    await using store = await open({ port: line.port, deadlineMs: 250 })
    const refused: string[] = []
    for (let round = 0; round < 6; round++) {
      await well(store)
      const stop = load(store)
      await pause(60 + round * 3)
      line.state = 'held'
      await pause(500)
      line.state = 'open'
      refused.push(...(await stop()).refused)
    }
    await well(store)
    assert.ok(refused.length > 0)
    const done: string[] = []
    for (const id of refused) if (await isThere(store, id)) done.push(id)
    assert.deepEqual(done, [], `${done.length} of ${refused.length} refused, and yet there`)
  })

  test('T-4: after a crash and a restart what was answered is there, and calls are answered again', async () => {
    await using store = await open()
    await well(store)
    const stop = load(store)
    await pause(200)
    await postgres.kill()
    await pause(300)
    await assert.rejects(store.now(), unavailable)
    await postgres.start()
    await well(store)
    const { accepted, slowestMs } = await stop()
    assert.ok(slowestMs < patienceMs, `the slowest took ${slowestMs} ms`)
    assert.ok(accepted.length > 0)
    for (const id of accepted) assert.ok(await isThere(store, id), 'answered')
  })

  test('connections that were ended while they were idle cost no call', async () => {
    await using store = await open()
    await Promise.all(times(50, () => store.now()))
    await postgres.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}' and pid <> pg_backend_pid()`,
    )
    const results = await Promise.allSettled([store.verifications.issue(newIssue()), store.now()])
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'fulfilled'],
    )
  })

  test('where all connections are taken calls are refused, or wait for those that this process has', async () => {
    await using store = await open()
    await store.now() // one it has
    const others: Client[] = []
    for (;;) {
      const other = new Client(postgres.client(database))
      other.on('error', () => undefined)
      try {
        await other.connect()
        others.push(other)
      } catch {
        break
      }
    }
    try {
      const results = await Promise.allSettled(times(200, () => store.verifications.issue(newIssue())))
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 200, 'on the one it has')
      await assert.rejects(open(), unavailable)
    } finally {
      await Promise.all(others.map((other) => other.end()))
    }
    await well(store)
  })

  test('a row that somebody holds refuses the calls that need it, and no others', async () => {
    await using store = await open()
    const limit = { scope: 'member', key: unlike(), form: 'events', rules: [] } as const
    await store.limiters.acquire([limit])
    const holder = new Client(postgres.client(database))
    await holder.connect()
    await holder.query('begin')
    await holder.query('select * from ledger where key = $1 for update', [limit.key])
    const results = await Promise.allSettled([
      store.verifications.issue(newIssue()),
      store.verifications.issue(newIssue({ limits: [limit] })),
      store.verifications.issue(newIssue()),
    ])
    await holder.query('rollback')
    await holder.end()
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    )
    assert.equal((await store.verifications.issue(newIssue({ limits: [limit] }))).kind, 'issued')
  })

  test('a process that stops in the middle of a transaction gives its rows back', async () => {
    await using store = await open()
    const limit = { scope: 'member', key: unlike(), form: 'events', rules: [] } as const
    await store.limiters.acquire([limit])
    // As a batch begins, and then nothing more comes from its process.
    const stopped = new Client(postgres.client(database))
    stopped.on('error', () => undefined)
    await stopped.connect()
    await stopped.query('begin')
    await stopped.query(`select set_config('idle_in_transaction_session_timeout', '1000', true)`)
    await stopped.query('select * from ledger where key = $1 for update', [limit.key])
    await assert.rejects(store.limiters.acquire([limit]), unavailable)
    for (let tries = 0; tries < 20; tries++)
      if (
        await store.limiters.acquire([limit]).then(
          () => true,
          () => false,
        )
      )
        return
    assert.fail('the row is still held')
  })

  test('a call that fails takes none of its neighbours with it, and leaves no half', async () => {
    await using store = await open()
    const same = newIssue()
    await store.verifications.issue(same)
    const limit = {
      scope: 'member',
      key: unlike(),
      form: 'events',
      rules: [{ kind: 'window', max: 200, perMs: 60_000 }],
    } as const
    const results = await Promise.allSettled(
      times(200, (nth) =>
        store.verifications.issue(
          nth === 70 ? { ...same, key: newKey(), limits: [limit] } : newIssue({ limits: [limit] }),
        ),
      ),
    )
    assert.deepEqual(
      results.flatMap((result, nth) => (result.status === 'rejected' ? [nth] : [])),
      [70],
    )
    assert.equal((await store.limiters.acquire([limit])).kind, 'acquired', 'the 200th')
    assert.equal((await store.limiters.acquire([limit])).kind, 'throttled')
    const message = newMessage()
    const { queued } = await store.outbox.depth()
    await assert.rejects(store.outbox.queue([message, message], lease), unavailable)
    assert.equal((await store.outbox.depth()).queued, queued)
  })

  test('where no file can grow calls are refused, what was answered stays, and room heals it', async () => {
    await using store = await open()
    const first = newIssue()
    await store.verifications.issue(first)
    const megabytes = 16 // as large as a piece of the write-ahead log, which is made whole and must not fail
    await postgres.query(
      `insert into verification select 'f' || lpad(to_hex(n), 43, '0'), repeat('t', 150), 'a', n::text, 'x', 'new-contact',
         'k', 6, 2, 1, 1, 0, false, null from generate_series(1, 60000) n`,
      database,
    )
    await postgres.query('checkpoint')
    postgres.limitFiles(megabytes * 2 ** 20)
    const results = await Promise.allSettled(times(2_000, () => store.verifications.issue(newIssue())))
    postgres.limitFiles(null)
    const refused = results.filter((result) => result.status === 'rejected')
    assert.ok(refused.length > 0)
    assert.ok(refused.every(({ reason }) => unavailable(reason)))
    await well(store)
    assert.ok(await isThere(store, first.id))
  })

  test('A-6: behind a line that goes dead calls are refused in time, and the store is well when it is back', async () => {
    await using line = await faultyLine(postgres.port)
    await using store = await open({ port: line.port })
    await Promise.all(times(30, () => store.now()))
    line.state = 'dead'
    const startedAt = performance.now()
    const results = await Promise.allSettled([
      ...times(50, () => store.verifications.issue(newIssue())),
      ...times(20, () => store.now()),
    ])
    assert.ok(results.every((result) => result.status === 'rejected' && unavailable(result.reason)))
    assert.ok(performance.now() - startedAt < patienceMs)
    line.state = 'open'
    await well(store)
  })

  test('a server that only reads, as one left behind by a failover, is left for the one that writes', async () => {
    await using store = await open()
    const only = (isReadOnly: boolean) =>
      postgres.query(`alter database ${database} set default_transaction_read_only = ${isReadOnly}`)
    await only(true)
    await postgres.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}' and pid <> pg_backend_pid()`,
    )
    await Promise.all(times(20, () => store.now()))
    await assert.rejects(store.proveWrite(), unavailable)
    await assert.rejects(store.verifications.issue(newIssue()), unavailable)
    await assert.rejects(store.directory.addTenant({ id: unlike(), name: 'T', accountApp: 'a' }), unavailable)
    await only(false)
    // What is connected stays as it was.
    await well(store)
    assert.deepEqual(await store.proveWrite(), [])
  })

  test('a wrong password is told at the start, with the place and without the password', async () => {
    const client = { ...postgres.client(database), password: 'hunter2' }
    await assert.rejects(openPostgresStore({ client, poolSize: 4 }), (error: AppError) => {
      assert.match(
        error.message,
        new RegExp(`127\\.0\\.0\\.1:${postgres.port}.*password authentication failed`),
      )
      assert.doesNotMatch(error.message, /hunter2/)
      return unavailable(error)
    })
  })

  test('a server that starts late is waited for, and one that never does is named', async () => {
    const client = postgres.client(database)
    await postgres.stop()
    try {
      await assert.rejects(
        openPostgresStore({ client, poolSize: 4, startWithinMs: 300 }),
        new RegExp(`PostgreSQL at 127\\.0\\.0\\.1:${postgres.port}, database ${database}`),
      )
      const reasons: string[] = []
      const opening = openPostgresStore({
        client,
        poolSize: 4,
        startWithinMs: 60_000,
        onAwaited: (reason) => reasons.push(reason),
      })
      while (reasons.length === 0) await pause(20)
      await postgres.start()
      await using store = await opening
      await store.now()
      assert.equal(reasons.length, 1)
    } finally {
      await postgres.heal()
    }
  })

  test('a server that takes connections and says nothing is named', async () => {
    const silent = createServer(() => undefined)
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const { port } = silent.address() as AddressInfo
    const client = { ...postgres.client(database), port }
    await assert.rejects(
      openPostgresStore({ client, poolSize: 4, startWithinMs: 300 }),
      new RegExp(`PostgreSQL at 127\\.0\\.0\\.1:${port}.*no answer within`),
    )
    silent.close()
  })

  test('a store of a newer schema is refused and left as it is', async () => {
    const newer = await postgres.newDatabase()
    await (await open({ on: newer }))[Symbol.asyncDispose]()
    await postgres.query(`update meta set value = '${migrations.length + 1}'`, newer)
    await assert.rejects(open({ on: newer }), (error: AppError) => error.code === 'store.schema-newer')
    const [row] = await postgres.query(`select value from meta where name = 'schema'`, newer)
    assert.equal(row?.value, String(migrations.length + 1))
  })

  test('a store of a newer schema that still serves this version is used, and its number is kept', async () => {
    const newer = await postgres.newDatabase()
    await (await open({ on: newer }))[Symbol.asyncDispose]()
    const next = migrations.length + 1
    await postgres.query(`update meta set value = '${next}' where name = 'schema'`, newer)
    await postgres.query(`update meta set value = '${migrations.length}' where name = 'oldest-served'`, newer)
    await (await open({ on: newer }))[Symbol.asyncDispose]()
    const [row] = await postgres.query(`select value from meta where name = 'schema'`, newer)
    assert.equal(row!.value, String(next))
  })

  test('a store of the first schema is brought up to date beside processes of that version', async () => {
    const first = await postgres.newDatabase()
    const policy = { digits: 8, limits: { submissions: { address: ['30/60s'], memberAddress: ['4/60s'] } } }
    const before = new Client(postgres.client(first))
    await before.connect()
    await before.query(
      `create table meta (name text primary key, value text not null);
       insert into meta values ('schema', '1'), ('oldest-served', '1');
       ${migrations[0]}
       insert into tenant values ('t', 'T', 'a');
       insert into member values ('m', 't', 'x', null, 'none', false, '{}', '', null, null, null, null, null, 1);
       insert into app values ('a', 't', 'n', 'k', false, false, '${JSON.stringify(policy)}', 1)`,
    )
    await before.end()
    await using store = await open({ on: first })
    assert.deepEqual((await store.directory.app('a'))?.policy, {
      digits: 8,
      limits: { submissions: { memberAddress: ['4/60s'] } },
    })
    assert.equal((await store.directory.member('m'))?.deptCode, '1')
    const query = { ...memberQueryDefaults, tenant: 't', searchKey: 'X' }
    assert.equal(
      (await store.directory.searchMembers(query)).count,
      1,
      'listed though it was never listed before',
    )
    await postgres.query(`insert into proof values ('t', 'a', 'm', 1)`, first)
  })

  test('of many processes that start at once on an empty database one makes the schema', async () => {
    const empty = await postgres.newDatabase()
    const stores = await Promise.all(times(4, () => open({ on: empty, poolSize: 4 })))
    for (const store of stores) {
      await store.now()
      await store[Symbol.asyncDispose]()
    }
  })

  test('a role that may not change the schema serves one that is ready', async () => {
    const ready = await postgres.newDatabase()
    await (await open({ on: ready }))[Symbol.asyncDispose]()
    await postgres.query(`create role server login password 'a-password-of-the-tests'`)
    await postgres.query(
      `grant select, insert, update, delete on all tables in schema public to server;
       revoke create on schema public from public`,
      ready,
    )
    const client = { ...postgres.client(ready), user: 'server' }
    await using store = await openPostgresStore({ client, poolSize: 4 })
    const request = newIssue()
    assert.equal((await store.verifications.issue(request)).kind, 'issued')
    await store.journal.append({
      kind: 'refusal',
      tenant: 't',
      app: 'a',
      member: 'm',
      verification: '',
      detail: {},
    })
    await store.sweep(3_600_000)
  })

  test('a piece of the sweep takes few messages, so that it ends in time where the server is far away', async () => {
    await using line = await faultyLine(postgres.port)
    await using store = await open({ port: line.port, poolSize: 4 })
    await store.verifications.issue(newIssue())
    await store.sweep(86_400_000)
    const before = line.messages
    await store.sweep(86_400_000)
    const messages = line.messages - before
    assert.ok(messages >= 2 && messages <= 6, `${messages} messages`)
  })

  test('a closed store answers what was asked before, and refuses the rest', async () => {
    const store = await open()
    const last = store.verifications.issue(newIssue())
    await store[Symbol.asyncDispose]()
    assert.equal((await last).kind, 'issued')
    await assert.rejects(store.now(), unavailable)
  })
})

/**
 * A line between client and server. dead: bytes are lost, and neither side notices. held: bytes of the client arrive when
 * the line is open again, even if the client has given up by then.
 */
async function faultyLine(port: number) {
  const sockets = new Set<Socket>()
  let held: (() => void)[] = []
  let state: 'open' | 'dead' | 'held' = 'open'
  let messages = 0
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1')
    sockets.add(near).add(far)
    const onward = (act: () => void) => {
      if (state === 'open') act()
      else if (state === 'held') held.push(act)
    }
    near.on('data', (chunk) => {
      messages++
      onward(() => far.write(chunk))
    })
    near.on('close', () => onward(() => far.end()))
    far.on('data', (chunk) => {
      if (state !== 'dead') near.write(chunk)
    })
    far.on('close', () => {
      if (state !== 'dead') near.destroy()
    })
    for (const socket of [near, far]) socket.on('error', () => undefined)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as { port: number }).port,
    /** From clients so far. */
    get messages() {
      return messages
    },
    set state(next: typeof state) {
      state = next
      if (next !== 'open') return
      const acts = held
      held = []
      for (const act of acts) act()
    },
    async [Symbol.asyncDispose]() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
