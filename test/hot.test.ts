/** Two servers on PostgreSQL with a Redis Cluster: what one accepts, counts and ends is so at the other. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { send } from './codes.ts'
import { requirePeer } from './peers.ts'
import { type Postgres, postgresPaths, startPostgres } from './postgres.ts'
import { type RedisCluster, redisPath, startRedisCluster } from './redis.ts'
import { bin, newNumber, paths, type Server, startServer, temporaryFolder } from './server.ts'

const run = promisify(execFile)
const peer = {
  ...requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths),
  ...requirePeer('Redis (apt-get install redis-server)', redisPath),
}

describe('two servers on PostgreSQL and a Redis Cluster', peer, () => {
  const folders = [temporaryFolder(), temporaryFolder()]
  let postgres: Postgres
  let redis: RedisCluster
  let env: Record<string, string>
  let first: Server
  let second: Server
  before(async () => {
    ;[postgres, redis] = await Promise.all([startPostgres(), startRedisCluster()])
    const { user, port, database, password } = postgres.client(await postgres.newDatabase())
    env = {
      COUNTERSIGN_STORE: `postgres://${user}@127.0.0.1:${port}/${database}`,
      COUNTERSIGN_POSTGRES_PASSWORD: password,
      COUNTERSIGN_HOT: `redis+cluster://${redis.nodes.map((node) => `127.0.0.1:${node.port}`).join(',')}`,
      COUNTERSIGN_REDIS_PASSWORD: redis.password!,
    }
    first = await startServer({ env, dataFolder: folders[0]! })
    // The same keys, as every process of an installation has; a name of its own.
    for (const file of ['master.key', 'demo.json']) cpSync(join(folders[0]!, file), join(folders[1]!, file))
    second = await startServer({ env, dataFolder: folders[1]! })
  })
  after(async () => {
    await first?.[Symbol.asyncDispose]()
    await second?.[Symbol.asyncDispose]()
    await redis?.[Symbol.asyncDispose]()
    await postgres?.[Symbol.asyncDispose]()
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })

  /** Of the server that sent it. */
  const codeOf = async (contact: string) =>
    Promise.any([first, second].map((server) => server.codeFor(contact)))

  test('N-3: a code sent at one is used once at both together, and the change is known at both within a second', async () => {
    const token = await first.logIn('ada')
    const contact = newNumber()
    assert.equal((await send(first, token, contact)).status, 200)
    const body = { contact, country: 'chinaPR', verificationCode: await codeOf(contact) }
    const changed = await Promise.all(
      Array.from({ length: 10 }, (_, nth) =>
        (nth % 2 ? first : second).call('PUT', paths.contact, { token, body }),
      ),
    )
    assert.equal(changed.filter(({ status }) => status === 200).length, 1)
    // Who is logged in is remembered for a second.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    for (const server of [first, second])
      assert.equal((await server.call('GET', paths.member, { token })).json.phone, contact)
  })

  test('N-4: of 200 simultaneous guesses at both exactly five are spent, and the right code comes too late', async () => {
    const token = await first.logIn('mary')
    const contact = newNumber()
    await send(second, token, contact)
    const code = await codeOf(contact)
    const wrong = code === '000000' ? '000001' : '000000'
    const guess = (verificationCode: string) => (_: unknown, nth: number) =>
      (nth % 2 ? first : second).call('POST', paths.verify, {
        token,
        body: { contact, country: 'chinaPR', verificationCode },
      })
    const answers = await Promise.all(Array.from({ length: 200 }, guess(wrong)))
    const counts = Map.groupBy(answers, ({ json }) => json.error_code)
    assert.deepEqual(
      [...counts.values()].map((some) => some.length).toSorted((a, b) => a - b),
      [5, 195],
    )
    const [late] = await Promise.all(Array.from({ length: 1 }, guess(code)))
    assert.notEqual(late!.status, 200)
  })

  test('a limit met at one is met at the other', async () => {
    const token = await first.logIn('grace')
    const contact = newNumber()
    assert.equal((await send(first, token, contact)).status, 200)
    assert.notEqual((await send(second, token, contact)).status, 200)
  })

  test('doctor tells which engine serves what, and how far each is behind', async () => {
    const { stdout } = await run(process.execPath, [bin, 'doctor', '--dev', '--data', folders[0]!], {
      env: { ...process.env, ...env },
    })
    assert.match(stdout, /good {2}store +postgres:\S+ serves members, logins, notices and history; 1 app/)
    assert.match(
      stdout,
      /good {2}hot +redis\+cluster:\S+ serves codes on their way and limits; Redis 7\.\S+, cluster of 3 masters/,
    )
    assert.match(
      stdout,
      /good {2}hot replicas +127\.0\.0\.1:\d+: online, no commit waits for it, (not behind|\d+ bytes)/,
    )
    assert.doesNotMatch(stdout, new RegExp(redis.password!))
  })
})
