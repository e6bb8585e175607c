/** The report on a real PostgreSQL with a real replica. */

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { freePort } from '../../../test/free-port.ts'
import { peerAt, requirePeer } from '../../../test/peers.ts'
import { type Postgres, postgresPaths, startPostgres, unprivileged } from '../../../test/postgres.ts'
import { newIssue, pause } from '../conformance/fixtures.ts'
import { migrations } from './migrations.ts'
import { openPostgresStore } from './postgres-store.ts'
import { reportPostgres } from './report.ts'

describe('a report', requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths), () => {
  let postgres: Postgres
  let client: ReturnType<Postgres['client']>
  let database: string
  before(async () => {
    postgres = await startPostgres()
    database = await postgres.newDatabase()
    client = postgres.client(database)
    await using store = await openPostgresStore({ client, poolSize: 4 })
    await store.verifications.issue(newIssue())
  })
  after(() => postgres?.[Symbol.asyncDispose]())

  test('tells what and how much it is, and no problem where there is none', async () => {
    const { product, schema, bytes, rows, replicas, problems } = await reportPostgres(client)
    assert.match(product, /^PostgreSQL \d+\.\d+/)
    assert.equal(schema, migrations.length)
    assert.ok(bytes > 1e6)
    assert.deepEqual(Object.keys(rows!).toSorted(), ['dispatch', 'member', 'verification'])
    assert.deepEqual(replicas, [])
    assert.deepEqual(problems, [])
  })

  test('names settings that lose what was answered', async () => {
    const set = (text: string) => postgres.query(`alter role countersign ${text}`)
    await set('set synchronous_commit = off')
    const { problems } = await reportPostgres(client)
    await set('reset synchronous_commit')
    assert.match(problems.join(), /^synchronous_commit is off: .* last 600 ms/)
  })

  test('tells how far a replica is behind to who may see it, and a replica says what it is', async () => {
    const root = mkdtempSync(join(tmpdir(), 'countersign-replica-'))
    if (process.getuid?.() === 0) execFileSync('chown', ['postgres:', root])
    const program = peerAt(postgresPaths)!
    const data = join(root, 'data')
    const { host, port, password } = client
    const from = `host=${host} port=${port} user=admin password=${password} application_name=second`
    execFileSync(
      ...unprivileged(join(dirname(program), 'pg_basebackup'), ['-D', data, '-d', from, '-R', '-c', 'fast']),
    )
    const own = await freePort()
    const options = [`port=${own}`, 'listen_addresses=127.0.0.1', 'unix_socket_directories=']
    const replica = spawn(
      ...unprivileged(program, ['-D', data, ...options.flatMap((option) => ['-c', option])]),
      { stdio: 'ignore' },
    )
    const ended = once(replica, 'exit')
    try {
      const isFollowed = async () => {
        const { replicas } = await reportPostgres({ ...client, user: 'admin' })
        return replicas!.some(({ name, state }) => name === 'second' && state === 'streaming')
      }
      for (let tries = 0; !(await isFollowed()); tries++) {
        assert.ok(tries < 300, 'it does not follow')
        await pause(100)
      }
      const [seen] = (await reportPostgres(client)).replicas!
      assert.deepEqual({ name: seen?.name, state: seen?.state }, { name: 'second', state: null })
      const { problems } = await reportPostgres({ ...client, port: own })
      assert.match(problems.join(), /^it is a replica/)
    } finally {
      replica.kill('SIGQUIT')
      await ended
      rmSync(root, { recursive: true, force: true })
    }
  })
})
