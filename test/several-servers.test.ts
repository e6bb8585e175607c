/** Several servers on one PostgreSQL: behind real proxies, and with receipts that come to another than the one that sent. */

import assert from 'node:assert/strict'
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { freePort } from './free-port.ts'
import { startLoad } from './load.ts'
import { requirePeer } from './peers.ts'
import { type Postgres, postgresPaths, startPostgres } from './postgres.ts'
import { type FrontProxy, haproxyPath, nginxPath, startHaproxy, startNginx } from './proxies.ts'
import { type ScriptedCarrier, startScriptedCarrier } from './scripted-carrier.ts'
import { newNumber, paths, type Server, startServer, temporaryFolder } from './server.ts'
import { until } from './until.ts'

const peer = requirePeer('PostgreSQL (apt-get install postgresql)', postgresPaths)
const proxies = [
  ['HAProxy', startHaproxy, requirePeer('HAProxy (apt-get install haproxy)', haproxyPath)],
  ['nginx', startNginx, requirePeer('nginx (apt-get install nginx)', nginxPath)],
] as const

/** Of its log. */
const complaints = (server: Server) =>
  server
    .output()
    .split('\n')
    .filter((line) => /"level":"(warn|error)"/.test(line))
    .slice(-20)
    .join('\n')
const metricsOf = async (server: Server) => (await server.call('GET', '/metrics')).text

describe('several servers on one PostgreSQL', { ...peer, timeout: 180_000 }, () => {
  let postgres: Postgres
  let carrier: ScriptedCarrier
  let folder: string
  before(async () => {
    // Nothing here ends PostgreSQL, so what it has need not be safe from that.
    postgres = await startPostgres({ fsync: 'off' })
    carrier = await startScriptedCarrier()
    folder = temporaryFolder()
  })
  after(async () => {
    await postgres[Symbol.asyncDispose]()
    await carrier[Symbol.asyncDispose]()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Starts of one installation, each with a data folder of its own and the keys of the first. */
  async function installation(name: string, settings: string) {
    const { host, port, user, password, database } = postgres.client(await postgres.newDatabase())
    const config = join(folder, `${name}.yaml`)
    writeFileSync(config, settings)
    const env = {
      COUNTERSIGN_STORE: `postgres://${user}@${host}:${port}/${database}`,
      COUNTERSIGN_POSTGRES_PASSWORD: password,
    }
    const folderOf = (nth: number) => join(folder, `${name}-${nth}`)
    return async (nth: number, httpPort = 0): Promise<Server> => {
      mkdirSync(folderOf(nth), { recursive: true })
      if (nth > 0)
        for (const file of ['master.key', 'demo.json'])
          cpSync(join(folderOf(0), file), join(folderOf(nth), file))
      const args = ['--config', config, '--http', `127.0.0.1:${httpPort}`]
      return startServer({ env, dataFolder: folderOf(nth), args })
    }
  }

  describe('that send by one carrier', () => {
    const ports: number[] = []
    const servers: Server[] = []
    let start: (nth: number, httpPort?: number) => Promise<Server>
    before(async () => {
      start = await installation(
        'carrier',
        `limits: none
drain: 1500ms
trustedProxies: [127.0.0.1]
policy: { lifetime: { sms: 5m } }
providers:
  sandbox: { type: sandbox }
${carrier.settings('carrier')}
routes: { sms: [carrier], email: [sandbox] }
`,
      )
      for (const nth of [0, 1]) {
        ports.push(await freePort())
        servers.push(await start(nth, ports[nth]))
      }
    })
    after(async () => {
      for (const server of servers) await server[Symbol.asyncDispose]()
    })
    const settled = (server: Server) =>
      until(async () => /^countersign_outbox_messages 0$/m.test(await metricsOf(server)))

    for (const [name, startProxy, proxyPeer] of proxies)
      test(
        `restarted one after the other behind ${name} under load, they drop nothing`,
        proxyPeer,
        async () => {
          await using proxy: FrontProxy = await startProxy(ports)
          await using load = startLoad(proxy.url, await servers[0]!.logIn('sender'), {
            // nginx that is reloaded closes idle connections of clients, whatever is on its way on them.
            keepsConnections: name === 'HAProxy',
          })
          await until(() => load.accepted.length > 50)
          for (const [nth, port] of ports.entries()) {
            await proxy.leaveOut(port)
            assert.equal(await servers[nth]!.stop(), 0)
            servers[nth] = await start(nth, port)
            await proxy.leaveOut(null)
            await until(async () =>
              /^countersign_issues_total\{.*"issued"\} [1-9]/m.test(await metricsOf(servers[nth]!)),
            )
          }
          await load.stop()
          assert.deepEqual(load.others, [], `no other answer than 200: ${servers.map(complaints).join('')}`)
          await settled(servers[0]!)
          const arrived = Map.groupBy(carrier.taken, ({ to }) => to)
          assert.deepEqual(
            load.accepted.filter((contact) => arrived.get(contact)?.length !== 1),
            [],
            'each message that was answered for arrives, once',
          )
        },
      )

    // Each waits most of its time, for a lease to run out or for a second channel to be due.
    describe('of which one is killed', { concurrency: 2 }, () => {
      test('three send each message once, also those of a killed one', async () => {
        await using third = await start(2)
        const [first] = servers
        const all = [...servers, third]
        const token = await first!.logIn('sender')
        const accepted: string[] = []
        const before = carrier.taken.length
        // A few at once: all at once, on a busy machine, some would be refused for a store that is late.
        const others: string[] = []
        const caller = async (nth: number) => {
          for (let calls = 0; calls < 10; calls++) {
            const contact = newNumber()
            const body = { contact, country: 'chinaPR' }
            const { status, text } = await all[nth % 3]!.call('POST', paths.send, { token, body })
            if (status === 200) accepted.push(contact)
            else others.push(`${status} ${text}`)
          }
        }
        await Promise.all(Array.from({ length: 12 }, (_, nth) => caller(nth)))
        assert.deepEqual(others, [], all.map(complaints).join(''))
        await until(() => {
          const arrived = new Set(carrier.taken.map(({ to }) => to))
          return accepted.every((contact) => arrived.has(contact))
        })
        await using load = startLoad(third.http, token)
        await until(() => load.accepted.length > 30)
        await third.kill()
        await load.stop()
        await settled(first!)
        const arrived = Map.groupBy(carrier.taken.slice(before), ({ to }) => to)
        for (const contact of accepted) assert.equal(arrived.get(contact)?.length, 1, 'it arrives once')
        for (const contact of load.accepted) {
          assert.ok(arrived.has(contact), 'it arrives')
          assert.equal(new Set(arrived.get(contact)!.map(({ id }) => id)).size, 1, 'T-2: copies have one id')
        }
      })

      test('a receipt that comes to another server counts, and keeps the second channel from being used', async () => {
        const start = await installation(
          'receipts',
          `limits: none
policy: { lifetime: { sms: 2m } }
publicUrl: http://127.0.0.1
providers:
  sandbox: { type: sandbox }
${carrier.settings('carrier').replace('receipts: false', 'receipts: true').replace('channels: [sms]', 'channels: [sms]\n      needs: {}')}      receipts:
        parse: json
        key: /id
        state: /state
        states: { ok: delivered }
        verify: { secret: { header: x-secret, value: 'a-word-of-ours-0123456789' } }
routes:
  sms: [{ providers: [carrier], second: { channel: voice, after: 5s } }]
  voice: [sandbox]
  email: [sandbox]
`,
        )
        await using first = await start(0)
        await using second = await start(1)
        const token = await first.logIn('sender')
        const [told, silent] = [newNumber(), newNumber()]
        for (const contact of [told, silent]) {
          const body = { contact, country: 'chinaPR' }
          assert.equal((await first.call('POST', paths.send, { token, body })).status, 200)
        }
        const { id } = await until(() => carrier.taken.find(({ to }) => to === told))
        const receipt = { id: `c-${id}`, state: 'ok' }
        const headers = { 'x-secret': 'a-word-of-ours-0123456789' }
        assert.equal((await second.call('POST', '/receipts/carrier', { headers, body: receipt })).status, 200)
        await until(async () =>
          /^countersign_receipts_total\{.*"delivered"\} 1$/m.test(await metricsOf(second)),
        )
        // The one that sent is gone: the other makes the call that is due, and only that.
        await first.kill()
        const calls = async (to: string) =>
          (await second.inbox(to)).filter(({ channel }) => channel === 'voice')
        await until(async () => (await calls(silent)).length > 0)
        assert.equal((await calls(silent)).length, 1)
        assert.deepEqual(await calls(told), [])
      })
    })
  })
})
