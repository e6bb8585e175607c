/** `countersign migrate --from … --to …` as an operator runs it: killed, run again, and the servers before and after. */

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import type { StoreChoice } from '../src/store/engines.ts'
import { movedTables } from '../src/store/move/tables.ts'
import { openStore } from '../src/store/open-store.ts'
import { send, verify } from './codes.ts'
import { makeInstallation, toldOf } from './installation.ts'
import { requirePeer } from './peers.ts'
import { type Postgres, postgresPaths, startPostgres } from './postgres.ts'
import { bin, newNumber, paths, startServer, temporaryFolder } from './server.ts'

const peer = requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths)
const run = promisify(execFile)
const kills = 12
const people = 2_500

type Failed = { code: number; stdout: string; stderr: string }

describe('moving a live installation', peer, () => {
  let postgres: Postgres
  let dataFolder: string
  let file: Extract<StoreChoice, { engine: 'sqlite' }>
  before(async () => {
    postgres = await startPostgres()
    dataFolder = temporaryFolder()
    file = { engine: 'sqlite', path: join(dataFolder, 'countersign.db') }
  })
  after(async () => {
    await postgres[Symbol.asyncDispose]()
    rmSync(dataFolder, { recursive: true, force: true })
  })

  const life = { COUNTERSIGN_POLICY_LIFETIME_SMS: '10m' }
  const newTarget = async () => {
    const database = await postgres.newDatabase()
    const { host, port, user, password } = postgres.client(database)
    const store = `postgres://${user}@${host}:${port}/${database}`
    const place = { host, port, user, password, database, connections: 6, direct: { host, port }, hot: null }
    const choice: StoreChoice = { engine: 'postgres', ...place, tls: 'off', caFile: null }
    return { database, store, choice, env: { COUNTERSIGN_POSTGRES_PASSWORD: password } }
  }
  const command = (env: object, ...args: string[]) =>
    run(process.execPath, [bin, ...args, '--data', dataFolder], { env: { ...process.env, ...env } })
  const failing = async (env: object, ...args: string[]): Promise<Failed> => {
    const failed = await command(env, ...args).catch((error: Failed) => error)
    assert.ok('code' in failed, `it did not fail: ${failed.stdout}`)
    return failed
  }
  const contact = (address: string) => ({ contact: address, country: 'chinaPR' })

  test('killed at any moment and run again: codes that live are right, spent ones refused, limits hold', async (t) => {
    const [waiting, guessed] = [newNumber(), newNumber()]
    const known = { ada: '', grace: '', code: '', spent: '' }
    {
      await using server = await startServer({ dataFolder, env: life })
      known.ada = await server.logIn('ada')
      known.grace = await server.logIn('grace')
      assert.equal((await send(server, known.ada, waiting)).status, 200)
      known.code = await server.codeFor(waiting)
      assert.equal((await send(server, known.grace, guessed)).status, 200)
      known.spent = await server.codeFor(guessed)
      const wrong = known.spent === '000000' ? '111111' : '000000'
      for (let nth = 0; nth < 5; nth++)
        assert.notEqual((await verify(server, known.grace, guessed, wrong)).status, 200)
      await server.stop()
    }
    await using store = await openStore(file, { deadlineMs: 30_000 })
    const made = await makeInstallation(store, people, 1)
    const before = await toldOf(store, made)
    await store[Symbol.asyncDispose]()

    const { store: to, choice, env } = await newTarget()
    const move = ['migrate', '--from', `sqlite:${file.path}`, '--to', to]
    const seed = Math.floor(Math.random() * 2 ** 31)
    t.diagnostic(`seed ${seed}`)
    let [killed, random] = [0, seed]
    const places = new Set<string>()
    while (killed < kills) {
      const child = spawn(process.execPath, [bin, ...move, '--data', dataFolder], {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      const ended = once(child, 'exit')
      let told = ''
      random = (random * 48_271) % 0x7fffffff
      // Early at first, for each run goes on where the one before was killed.
      const lines = 1 + (random % (killed + 2))
      child.stderr.on('data', (chunk) => {
        told += chunk
        if (told.split('\n').length > lines) setTimeout(() => child.kill('SIGKILL'), random % 30)
      })
      await ended
      if (child.signalCode !== 'SIGKILL') break
      killed++
      places.add(told.trimEnd().split('\n').at(-1)!)
      if (killed !== 1) continue
      assert.match((await failing({}, 'app', 'list')).stderr, /is being moved to postgres:/)
      assert.equal((await failing({ ...env, COUNTERSIGN_STORE: to }, 'app', 'list')).code, 1)
    }
    t.diagnostic(`${killed} kills, the last words before them: ${[...places].join(', ')}`)
    assert.ok(killed >= kills / 2)

    const { stdout, stderr } = await command(env, ...move, '--json')
    const result = JSON.parse(stdout)
    if (result.kind === 'moved') {
      assert.equal(result.tables.length, movedTables.length)
      assert.match(stderr, /compare member: \d+ of \d+/)
    } else assert.equal(result.kind, 'done', 'the last kill came too late')
    assert.match((await failing({}, 'serve', '--dev')).stderr, /was moved to postgres:.*; start on that one/)
    await using moved = await openStore(choice, { deadlineMs: 30_000 })
    assert.deepEqual(await toldOf(moved, made), before)
    await moved[Symbol.asyncDispose]()

    await using server = await startServer({ dataFolder, env: { ...life, ...env, COUNTERSIGN_STORE: to } })
    assert.equal((await server.call('GET', paths.member, { token: known.ada })).status, 200)
    assert.notEqual((await send(server, known.ada, waiting)).status, 200, 'the gap between two codes')
    assert.notEqual(
      (await verify(server, known.grace, guessed, known.spent)).status,
      200,
      'guessed too often',
    )
    assert.equal((await verify(server, known.ada, waiting, known.code)).status, 200)
    const body = { ...contact(waiting), verificationCode: known.code }
    const change = await server.call('PUT', paths.contact, { token: known.ada, body })
    assert.equal(change.status, 200, change.text)
    const again = await server.call('PUT', paths.contact, { token: known.grace, body })
    assert.notEqual(again.status, 200)
  })

  test('what cannot be meant is refused, as is a source in use; a rehearsal is not, and a move can be taken back', async () => {
    const { store: to, env } = await newTarget()
    const folder = temporaryFolder()
    await using server = await startServer({ dataFolder: folder })
    const from = ['--from', `sqlite:${join(folder, 'countersign.db')}`]
    assert.equal((await failing(env, 'migrate', ...from, '--to', to)).code, 3)
    for (const args of [
      ['migrate', ...from],
      ['migrate', '--to', to],
      ['migrate', '--rehearse'],
      ['migrate', '--undo'],
      ['migrate', ...from, '--to', to, '--undo'],
      ['migrate', ...from, '--to', 'mysql://x@y/z'],
      ['migrate', ...from, '--to', from[1]!],
      ['migrate', ...from, '--to', 'postgres://user:word@host/db'],
    ])
      assert.ok([2, 3].includes((await failing(env, ...args)).code), args.join(' '))

    const rehearsed = await command(env, 'migrate', ...from, '--to', to, '--rehearse')
    assert.match(rehearsed.stdout, /Rehearsed in [\d.]+ s; no server may use the copy/)
    assert.equal((await server.call('GET', '/livez')).status, 200)
    await server.stop()

    const moved = await command(env, 'migrate', ...from, '--to', to)
    assert.match(moved.stdout, /^tenant +1 rows {2}[0-9a-f]{16} {2}same$/m)
    assert.match(moved.stdout, /^Moved in .*store: postgres:.* and the same key ring\.$/m)
    assert.match((await command(env, 'migrate', ...from, '--to', to)).stdout, /Was moved before/)
    const undone = await command(env, 'migrate', ...from, '--undo')
    assert.match(undone.stdout, /may be used again/)
    assert.match(undone.stderr, /postgres:.* is whole too/)
    await using back = await startServer({ dataFolder: folder })
    await back.stop()
    rmSync(folder, { recursive: true, force: true })
  })
})
