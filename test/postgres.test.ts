/** The built server on PostgreSQL: two of them share everything, and what happens when the store is away. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { generate } from 'selfsigned'
import { send, verify } from './codes.ts'
import { requirePeer } from './peers.ts'
import { type Postgres, postgresPaths, startPostgres } from './postgres.ts'
import { bin, newNumber, paths, type Server, startServer, temporaryFolder } from './server.ts'

const peer = requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths)
const run = promisify(execFile)

describe('the server on PostgreSQL', peer, () => {
  let postgres: Postgres
  let env: Record<string, string>
  let folders: string[]
  let first: Server
  let second: Server
  before(async () => {
    postgres = await startPostgres()
    env = envOf(await postgres.newDatabase())
    folders = [temporaryFolder(), temporaryFolder()]
    first = await startServer({ env, dataFolder: folders[0]! })
    // The same keys, as every process of an installation has; a name of its own.
    cpSync(join(folders[0]!, 'master.key'), join(folders[1]!, 'master.key'))
    cpSync(join(folders[0]!, 'demo.json'), join(folders[1]!, 'demo.json'))
    second = await startServer({ env, dataFolder: folders[1]! })
  })
  after(async () => {
    await first[Symbol.asyncDispose]()
    await second[Symbol.asyncDispose]()
    await postgres[Symbol.asyncDispose]()
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })

  const envOf = (database: string) => {
    const { host, port, user, password } = postgres.client(database)
    return {
      COUNTERSIGN_STORE: `postgres://${user}@${host}:${port}/${database}`,
      COUNTERSIGN_POSTGRES_PASSWORD: password,
    }
  }

  test('a code asked for at one is checked at the other, once', async () => {
    const token = await first.logIn('ada')
    const contact = newNumber()
    assert.equal((await send(first, token, contact)).status, 200)
    const code = await first.codeFor(contact)
    const answers = await Promise.all(
      Array.from({ length: 4 }, (_, nth) => verify(nth % 2 ? first : second, token, contact, code)),
    )
    assert.ok(answers.some(({ status }) => status === 200))
    const change = { contact, country: 'chinaPR', verificationCode: code }
    const changed = await Promise.all(
      Array.from({ length: 6 }, (_, nth) =>
        (nth % 2 ? first : second).call('PUT', paths.contact, { token, body: change }),
      ),
    )
    assert.ok(changed.filter(({ status }) => status === 200).length <= 1)
  })

  test('a limit met at one is met at the other', async () => {
    const token = await first.logIn('grace')
    const contact = newNumber()
    assert.equal((await send(first, token, contact)).status, 200)
    const again = await send(second, token, contact)
    assert.notEqual(again.status, 200, again.text)
  })

  test('a logout at one is seen at the other within a second', async () => {
    const token = await first.logIn('joan')
    assert.equal((await second.call('GET', paths.member, { token })).status, 200)
    await first.call('DELETE', paths.token, { token })
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    assert.equal((await second.call('GET', paths.member, { token })).status, 401)
  })

  test('no two processes have the same name in leases, and one keeps its own', async () => {
    const names = () => folders.map((folder) => readFileSync(join(folder, 'owner'), 'utf8'))
    const before = names()
    assert.notEqual(before[0], before[1])
    await second.stop()
    second = await startServer({ env, dataFolder: folders[1]! })
    assert.deepEqual(names(), before)
  })

  test('commands work on the same store', async () => {
    const command = async (...args: string[]) =>
      (
        await run(process.execPath, [bin, ...args, '--data', folders[0]!], {
          env: { ...process.env, ...env },
        })
      ).stdout
    assert.match(await command('app', 'list'), /Demo app/)
    assert.match(await command('migrate'), /^postgres:\/\/countersign@127\.0\.0\.1:\d+\/db1 is up to date/)
    const found = await command('doctor', '--dev')
    assert.match(
      found,
      /good {2}store +postgres:.* serves everything; 1 app.*; PostgreSQL \d+\.\d+, schema \d+, \d+ MB, /,
    )
    assert.match(found, /good {2}replicas +none connected/)
    await assert.rejects(command('backup', join(folders[0]!, 'b')), /pg_dump/)
    await command('app', 'create', '--tenant', 'acme', '--name', 'website')
    assert.match(await command('app', 'list'), /website/)
  })

  test('A-6: while the store hangs a send is refused with 500 and Retry-After, and works when it goes on', async () => {
    const token = await first.logIn('hedy')
    postgres.signal('SIGSTOP')
    const refused = await send(first, token, newNumber())
    postgres.signal('SIGCONT')
    assert.equal(refused.status, 500)
    assert.equal(refused.headers.get('retry-after'), '1')
    for (let tries = 0; ; tries++) {
      if ((await send(first, token, newNumber())).status === 200) break
      assert.ok(tries < 100)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  })

  test('a store that is away at the start is told, with the exit code for it and without the password', async () => {
    const away = { ...env, COUNTERSIGN_STORE: 'postgres://countersign@127.0.0.1:1/none' }
    const folder = temporaryFolder()
    try {
      await run(process.execPath, [bin, 'serve', '--dev', '--data', folder], {
        env: { ...process.env, ...away },
      })
      assert.fail('it started')
    } catch (error) {
      const { code, stderr } = error as { code: number; stderr: string }
      assert.equal(code, 3)
      assert.match(stderr, /PostgreSQL at 127\.0\.0\.1:1/)
      assert.doesNotMatch(stderr, /a-password/)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})

test('the connection is TLS to the server the certificate names, or none', peer, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-tls-'))
  const of = async (ip: string) =>
    generate([{ name: 'commonName', value: 'db' }], {
      keyType: 'ec',
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip }] }],
    })
  await using postgres = await startPostgres({}, await of('127.0.0.1'))
  const database = await postgres.newDatabase()
  const { user, password } = postgres.client(database)
  const doctor = async (caFile: string) => {
    const config = join(folder, 'settings.yaml')
    writeFileSync(
      config,
      `store: postgres://${user}@127.0.0.1:${postgres.port}/${database}
postgres: { tls: verify, caFile: ${caFile}, password: ${password} }
`,
    )
    const args = [bin, 'migrate', '--config', config, '--data', folder]
    return (await run(process.execPath, args)).stdout
  }
  try {
    writeFileSync(join(folder, 'other.pem'), (await of('127.0.0.1')).cert)
    await assert.rejects(doctor(join(folder, 'other.pem')), /certificate/)
    assert.match(await doctor(postgres.caFile!), /is up to date/)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
