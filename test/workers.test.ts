/** `serve --workers`: processes on one port share everything, one is replaced when it ends, and a restart drops nothing. */

import assert from 'node:assert/strict'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startLoad } from './load.ts'
import { requirePeer } from './peers.ts'
import { type Postgres, postgresPaths, startPostgres } from './postgres.ts'
import { type ScriptedCarrier, startScriptedCarrier } from './scripted-carrier.ts'
import { newNumber, paths, type Server, startServer, temporaryFolder } from './server.ts'
import { until } from './until.ts'

const peer = requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths)
const issued = 'countersign_issues_total{channel="sms",outcome="issued"}'
const ends = 'countersign_worker_ends_total'
const wrongFor = (code: string) => (code === '123456' ? '654321' : '123456')

/** Of its primary process. */
function workersOf(server: Server): number[] {
  const { pid } = server.process
  const task = `/proc/${pid}/task/${pid}/children`
  return readFileSync(task, 'utf8').trim().split(' ').filter(Boolean).map(Number)
}

/** For a question of the test’s own: one that is never answered must not keep it from the next. */
const soon = () => AbortSignal.timeout(5_000)

/** On a connection of its own: a kept one may have been that of a worker that was killed. */
function scrape(base: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(`${base}/metrics`, { agent: false, signal: soon() }, async (answer) => {
      let text = ''
      try {
        for await (const chunk of answer) text += chunk
        resolve(text)
      } catch (error) {
        reject(error)
      }
    })
    asked.on('error', reject).end()
  })
}

/** On a connection of its own, so that any of the workers may have it. @returns 0 if nobody listens. */
function readiness(base: string): Promise<number> {
  return new Promise((resolve) => {
    const asked = request(`${base}/readyz`, { agent: false, signal: soon() }, (answer) => {
      answer.resume().on('error', () => undefined)
      resolve(answer.statusCode!)
    })
    asked.on('error', () => resolve(0)).end()
  })
}

async function sample(server: Server, name: string): Promise<number | undefined> {
  const text = await scrape(server.http).catch(() => '')
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return line === undefined ? undefined : Number(line.slice(name.length + 1))
}

describe('several workers on PostgreSQL', { ...peer, timeout: 180_000 }, () => {
  let postgres: Postgres
  before(async () => {
    // Nothing here ends PostgreSQL, so what it has need not be safe from that.
    postgres = await startPostgres({ fsync: 'off' })
  })
  after(() => postgres[Symbol.asyncDispose]())

  async function newStore(): Promise<Record<string, string>> {
    const { host, port, user, password, database } = postgres.client(await postgres.newDatabase())
    return {
      COUNTERSIGN_STORE: `postgres://${user}@${host}:${port}/${database}`,
      COUNTERSIGN_POSTGRES_PASSWORD: password,
    }
  }

  describe('with the sandbox', () => {
    let server: Server
    before(async () => {
      server = await startServer({ env: await newStore(), args: ['--workers', '3'] })
    })
    after(() => server[Symbol.asyncDispose]())

    /** Each on a connection of its own, so that each worker gets some. */
    function atOnce(
      count: number,
      token: string,
      call: { method: string; path: string; body?: unknown },
    ): Promise<string[]> {
      const agent = new Agent({ keepAlive: false })
      const one = () =>
        new Promise<string>((resolve, reject) => {
          const body = call.body === undefined ? '' : JSON.stringify(call.body)
          const headers = { 'X-Access-Token': token, 'Content-Type': 'application/json' }
          const { method, path } = call
          const sent = request(`${server.http}${path}`, { method, agent, headers }, async (answer) => {
            let text = ''
            for await (const chunk of answer) text += chunk
            resolve(answer.statusCode === 200 ? '200' : String(JSON.parse(text).error_code))
          })
          sent.on('error', reject)
          sent.end(body)
        })
      return Promise.all(Array.from({ length: count }, one))
    }
    const tally = (ends: readonly string[]) =>
      Object.fromEntries([...Map.groupBy(ends, (one) => one)].map(([end, { length }]) => [end, length]))

    test('N-4: 200 simultaneous guesses at several workers spend exactly five submissions', async () => {
      const token = await server.logIn('guesser')
      const contact = newNumber()
      assert.equal((await server.call('POST', paths.send, { token, body: { contact } })).status, 200)
      const code = await server.codeFor(contact)
      const guess = {
        method: 'POST',
        path: paths.verify,
        body: { contact, verificationCode: wrongFor(code) },
      }
      const ends = tally(await atOnce(200, token, guess))
      // A busy machine refuses some for its store, which may have counted them all the same.
      const { 'USG.000000001': away = 0, 'USG.206030001': spent = 0, 'USG.206030019': refused = 0 } = ends
      assert.equal(away + spent + refused, 200, JSON.stringify(ends))
      assert.ok(spent <= 5 && spent + away >= 5, JSON.stringify(ends))
      assert.ok(refused >= 150, JSON.stringify(ends))
    })

    test('N-3: of 200 simultaneous changes with the right code at several workers at most one is done', async () => {
      const token = await server.logIn('racer')
      const contact = newNumber()
      assert.equal((await server.call('POST', paths.send, { token, body: { contact } })).status, 200)
      const verificationCode = await server.codeFor(contact)
      const change = { method: 'PUT', path: paths.contact, body: { contact, verificationCode } }
      assert.equal(tally(await atOnce(200, token, change))['200'], 1)
    })

    test('a logout is seen by every worker within a second', async () => {
      const token = await server.logIn('leaver')
      const show = { method: 'GET', path: paths.member }
      assert.deepEqual(tally(await atOnce(12, token, show)), { '200': 12 })
      await server.call('DELETE', paths.token, { token })
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      assert.equal(tally(await atOnce(12, token, show))['200'], undefined)
    })

    test('one scrape tells what all have counted', async () => {
      const before = (await sample(server, issued)) ?? 0
      for (const user of ['one', 'two', 'three', 'four', 'five', 'six']) {
        const body = { contact: newNumber() }
        await server.call('POST', paths.send, { token: await server.logIn(user), body })
      }
      assert.equal(await sample(server, issued), before + 6)
      assert.equal(await sample(server, 'countersign_workers'), 3)
    })

    test('an ended worker is replaced, under its number and without a counter going back', async () => {
      const before = await sample(server, issued)
      const [victim] = workersOf(server)
      process.kill(victim!, 'SIGKILL')
      await until(
        async () =>
          (await sample(server, 'countersign_workers')) === 3 && !workersOf(server).includes(victim!),
      )
      assert.equal(await sample(server, ends), 1)
      assert.equal(await sample(server, issued), before)
      assert.match(server.output(), /"msg":"a worker ended; another one takes its place in \d+ ms"/)
      assert.match(server.output(), /"worker":1,"reason":"SIGKILL"/)
    })
  })

  describe('with a carrier, under load', () => {
    let carrier: ScriptedCarrier
    let folder: string
    let config: string
    let env: Record<string, string>
    let running: Server | undefined
    before(async () => {
      carrier = await startScriptedCarrier()
      folder = temporaryFolder()
      config = join(folder, 'settings.yaml')
      env = await newStore()
      writeFileSync(config, settings())
    })
    after(async () => {
      await running?.[Symbol.asyncDispose]()
      await carrier[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    })

    const settings = (workers = 2) => `limits: none
drain: 1s
workers: ${workers}
providers:
  sandbox: { type: sandbox }
${carrier.settings('carrier').replace('receipts: false', `receipts: false\n    window: ${8 * workers - 8 || 1}`)}
routes: { sms: [carrier], email: [sandbox] }
`
    /** The one that runs, or a new one on what the last one left. */
    async function serving(): Promise<Server> {
      const { exitCode = 0, signalCode = null } = running?.process ?? {}
      if (!running || exitCode !== null || signalCode !== null)
        running = await startServer({ env, dataFolder: join(folder, 'data'), args: ['--config', config] })
      return running
    }
    const arrivals = () => Map.groupBy(carrier.taken, ({ to }) => to)
    async function assertAllArrived(accepted: readonly string[], server: Server): Promise<void> {
      await until(async () => (await sample(server, 'countersign_outbox_messages')) === 0)
      const arrived = arrivals()
      assert.deepEqual(
        accepted.filter((contact) => arrived.get(contact)?.length !== 1),
        [],
        'each message that was answered for arrives, once',
      )
    }
    async function assertArrivedUnderOneId(accepted: readonly string[], server: Server): Promise<void> {
      await until(async () => (await sample(server, 'countersign_outbox_messages')) === 0)
      const arrived = arrivals()
      for (const contact of accepted) {
        assert.ok(arrived.has(contact), 'it arrives')
        assert.equal(new Set(arrived.get(contact)!.map(({ id }) => id)).size, 1, 'T-2: copies have one id')
      }
    }

    test('a restart in turn drops no call, and every message arrives once', async () => {
      const server = await serving()
      const before = workersOf(server)
      const counted = { issued: (await sample(server, issued)) ?? 0, ends: await sample(server, ends) }
      assert.equal(before.length, 2)
      await using load = startLoad(server.http, await server.logIn('sender'))
      await until(() => load.accepted.length > 50)
      server.process.kill('SIGHUP')
      await until(() => server.output().includes('the workers are restarted'))
      const reached = load.accepted.length
      await until(() => load.accepted.length > reached + 50)
      await load.stop()
      assert.deepEqual(load.others, [])
      assert.deepEqual(
        workersOf(server).filter((one) => before.includes(one)),
        [],
      )
      await assertAllArrived(load.accepted, server)
      assert.equal(await sample(server, ends), counted.ends)
      assert.equal(await sample(server, issued), counted.issued + load.accepted.length)
    })

    test('settings that cannot work, or not for so many workers, restart nothing', async () => {
      const server = await serving()
      const before = workersOf(server)
      const refused = () => server.output().split('no worker is restarted').length - 1
      try {
        writeFileSync(config, 'retention: 1s\n')
        server.process.kill('SIGHUP')
        await until(() => refused() === 1)
        assert.match(server.output(), /retention: must be at least 1h/)
        writeFileSync(config, settings(1))
        server.process.kill('SIGHUP')
        await until(() => refused() === 2)
        assert.match(server.output(), /providers\.carrier\.window: is 1, and each of 2 workers needs/)
        assert.deepEqual(workersOf(server), before)
      } finally {
        writeFileSync(config, settings())
      }
    })

    test('killed workers leave no caller waiting, and lose nothing that was answered for', async () => {
      const server = await serving()
      await using load = startLoad(server.http, await server.logIn('sender'))
      const before = (await sample(server, ends))!
      for (let kills = 1; kills <= 4; kills++) {
        const reached = load.accepted.length
        await until(() => load.accepted.length > reached + 30)
        process.kill(workersOf(server)[0]!, 'SIGKILL')
        await until(async () => (await sample(server, ends)) === before + kills)
        await until(async () => (await sample(server, 'countersign_workers')) === 2)
      }
      const late = new Promise((resolve) => setTimeout(resolve, 20_000, 'late').unref())
      assert.notEqual(await Promise.race([load.stop(), late]), 'late', 'a call was neither answered nor cut')
      assert.deepEqual(
        load.others.filter((end) => /^\d/.test(end)),
        [],
      )
      await assertArrivedUnderOneId(load.accepted, server)
    })

    test('T-7: told to stop, all turn unready, end, and lose nothing that was answered for', async () => {
      const server = await serving()
      const before = carrier.taken.length
      await using load = startLoad(server.http, await server.logIn('sender'))
      await until(() => load.accepted.length > 50)
      const stopped = server.stop()
      await until(async () => {
        const seen = await Promise.all(Array.from({ length: 6 }, () => readiness(server.http)))
        return seen.every((one) => one === 503)
      })
      await until(() => load.others.length > 0)
      await load.stop()
      assert.equal(await stopped, 0)
      // Nothing listens any more. A connection that nobody has accepted yet is reset.
      assert.deepEqual(
        load.others.filter((end) => end !== 'ECONNREFUSED' && end !== 'ECONNRESET'),
        [],
      )
      await assertAllArrived(load.accepted, await serving())
      assert.equal(carrier.taken.length - before, load.accepted.length, 'what was done was answered')
    })

    test('without its primary no worker lives on, and a new start has all they left', async () => {
      const server = await serving()
      await using load = startLoad(server.http, await server.logIn('sender'))
      await until(() => load.accepted.length > 50)
      const workers = workersOf(server)
      assert.equal(workers.length, 2)
      await server.kill()
      await load.stop()
      await until(() => workers.every((one) => !readdirSync('/proc').includes(String(one))))
      await assertArrivedUnderOneId(load.accepted, await serving())
    })
  })

  test('a first worker that cannot start ends the server with its exit code', async () => {
    // Refused at once; for a server that is not there each start waits half a minute.
    const { COUNTERSIGN_STORE: store = '', ...env } = await newStore()
    await assert.rejects(
      startServer({ env: { ...env, COUNTERSIGN_STORE: `${store}-none` }, args: ['--workers', '2'] }),
      /ended with 3: .*PostgreSQL at 127/,
    )
  })
})

test('workers on SQLite are refused at the start', async () => {
  await assert.rejects(
    startServer({ args: ['--workers', '2'] }),
    /ended with 2: .*\n- workers: 2 processes cannot share an SQLite store/,
  )
})

test('a server of one process takes what may be renewed, and serves on', async () => {
  await using server = await startServer()
  server.process.kill('SIGHUP')
  await until(() => server.output().includes('taken: the key ring'))
  assert.equal((await server.call('GET', '/livez')).status, 200)
})
