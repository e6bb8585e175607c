/** What operators set and people meet: policies, test addresses, resends, key rotation, disabling. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { ensureCertificate } from '../src/config/certificate.ts'
import { send, verify } from './codes.ts'
import { freePort } from './free-port.ts'
import {
  type Answer,
  appLogin,
  bin,
  newNumber,
  paths,
  type Server,
  startServer,
  temporaryFolder,
} from './server.ts'
import { until } from './until.ts'

const run = promisify(execFile)

/** Runs a command on the server's own data folder, while it serves. @returns Its JSON. */
async function command(server: Server, ...args: string[]): Promise<Record<string, string>> {
  const { stdout } = await run(process.execPath, [bin, ...args, '--data', server.dataFolder, '--json'], {
    env: { ...process.env, ...server.env },
  })
  return JSON.parse(stdout) as Record<string, string>
}

async function newApp(server: Server, policy: object): Promise<{ id: string; key: string }> {
  const made = await command(
    server,
    'app',
    'create',
    '--tenant',
    'demo',
    '--name',
    'test',
    '--policy',
    JSON.stringify(policy),
  )
  return made as { id: string; key: string }
}

async function logInTo(server: Server, app: { id: string; key: string }, userId: string): Promise<Answer> {
  const { headers, body } = appLogin(app, { userId })
  return server.call('POST', paths.appLogin, { headers, body })
}

async function tokenOf(server: Server, app: { id: string; key: string }, userId: string): Promise<string> {
  return String((await logInTo(server, app, userId)).json.accessToken)
}

const told = (answer: Answer) => `${answer.status} ${answer.json.error_code ?? ''}`.trim()

test('an app’s own policy holds for it alone', async () => {
  await using server = await startServer()
  const strict = await newApp(server, { profile: 'strict', calls: ['log-in', 'send', 'show-member'] })
  const token = await tokenOf(server, strict, 'eight')
  const contact = newNumber()
  assert.equal(told(await send(server, token, contact)), '200')
  const code = await server.codeFor(contact)
  assert.match(code, /^\d{8}$/)
  assert.equal(told(await verify(server, token, contact, code)), '403 USG.000000005')
  const sneaky = await server.call('POST', paths.send, { token, body: { contact, verificationCode: code } })
  assert.equal(told(sneaky), '403 USG.000000005', 'the verification scenario is a verify too')
  const other = newNumber()
  assert.equal(told(await send(server, await server.logIn('six'), other)), '200')
  assert.match(await server.codeFor(other), /^\d{6}$/)
})

test('N-7: a code made for one app is refused from another, for the same member and address', async () => {
  await using server = await startServer()
  const [one, two] = [await newApp(server, {}), await newApp(server, {})]
  const contact = newNumber()
  const first = await tokenOf(server, one, 'same')
  await send(server, first, contact)
  const code = await server.codeFor(contact)
  assert.equal(
    told(await verify(server, await tokenOf(server, two, 'same'), contact, code)),
    '400 USG.206030001',
  )
  assert.equal(told(await verify(server, first, contact, code)), '200')
})

test('a resend while the code lives sends the same code', async () => {
  await using server = await startServer({
    env: { COUNTERSIGN_POLICY_LIMITS_ISSUES_ADDRESS_GAPS: '1s', COUNTERSIGN_POLICY_LIFETIME_EMAIL: '5m' },
  })
  const token = await server.logIn('resender')
  const contact = 'resent@example.com'
  const codes = async () => (await server.inbox(contact)).map((message) => message.code)
  assert.equal(told(await send(server, token, contact)), '200')
  const code = await server.codeFor(contact)
  await new Promise((resolve) => setTimeout(resolve, 1100))
  assert.equal(told(await send(server, token, contact)), '200')
  for (let tries = 0; tries < 100 && (await codes()).length < 2; tries++)
    await new Promise((resolve) => setTimeout(resolve, 20))
  assert.deepEqual(await codes(), [code, code])
  assert.equal(told(await verify(server, token, contact, code)), '200')
})

test('a provider’s refusal for good frees the wait for the next code', async () => {
  const dataFolder = temporaryFolder()
  const config = join(dataFolder, 'settings.yaml')
  writeFileSync(config, 'providers: { sandbox: { type: sandbox, refusalRate: 1 } }\n')
  {
    await using server = await startServer({ dataFolder, args: ['--config', config] })
    const token = await server.logIn('corrector')
    const contact = newNumber()
    assert.equal(told(await send(server, token, contact)), '200')
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.equal(
      told(await send(server, token, contact)),
      '200',
      'nothing reached the address, so asking again is fair',
    )
    assert.match(
      (await server.call('GET', '/metrics')).text,
      /countersign_dispatches_total\{.*outcome="refused".*\} [12]/,
    )
  }
  rmSync(dataFolder, { recursive: true })
})

test('a test address has its fixed code until its date, and nothing is sent to it', async () => {
  const dataFolder = temporaryFolder()
  const config = join(dataFolder, 'settings.yaml')
  const [reviewer, former] = [newNumber(), newNumber()]
  writeFileSync(
    config,
    `testAddresses:
  - { address: "${reviewer}", code: "424242", until: "2999-12-31" }
  - { address: "${former}", code: "424242", until: "2020-01-01" }
`,
  )
  {
    await using server = await startServer({ dataFolder, args: ['--config', config] })
    const token = await server.logIn('reviewer')
    assert.equal(
      told(await verify(server, token, reviewer, '424242')),
      '400 USG.206030001',
      'not before a send',
    )
    assert.equal(told(await send(server, token, reviewer)), '200')
    assert.equal(told(await verify(server, token, reviewer, '424242')), '200')
    assert.equal(told(await send(server, token, former)), '200')
    const code = await server.codeFor(former)
    assert.equal(
      told(await verify(server, token, former, code === '424242' ? '000000' : '424242')),
      '400 USG.206030001',
    )
    assert.deepEqual(await server.inbox(reviewer), [])
  }
  rmSync(dataFolder, { recursive: true })
})

test('live codes stay good over a key rotation, new ones come from the new key', async () => {
  const dataFolder = temporaryFolder()
  const env = { COUNTERSIGN_POLICY_LIFETIME_SMS: '10m' }
  const contact = newNumber()
  let code: string
  let token: string
  {
    await using server = await startServer({ dataFolder, env })
    token = await server.logIn('rotated')
    await send(server, token, contact)
    code = await server.codeFor(contact)
    await command(server, 'keys', 'rotate')
    await server.stop()
  }
  {
    await using server = await startServer({ dataFolder, env })
    assert.equal(told(await verify(server, token, contact, code)), '200')
    const next = newNumber()
    await send(server, token, next)
    assert.equal(told(await verify(server, token, next, await server.codeFor(next))), '200')
    assert.equal(
      told(await logInTo(server, server.app, 'rotated')),
      '200',
      'app keys sealed with the old key still open',
    )
  }
  rmSync(dataFolder, { recursive: true })
})

test('a server alone takes a new key ring and a renewed certificate at SIGHUP, and drops nothing', async () => {
  const dataFolder = temporaryFolder()
  await using server = await startServer({
    dataFolder,
    https: true,
    env: { COUNTERSIGN_POLICY_LIFETIME_SMS: '10m' },
  })
  const token = await server.logIn('renewed')
  const contact = newNumber()
  await send(server, token, contact)
  const code = await server.codeFor(contact)
  const before = await certificateOf(server.https!)
  await command(server, 'keys', 'rotate')
  rmSync(join(dataFolder, 'tls'), { recursive: true })
  const files = {
    certificateFile: join(dataFolder, 'tls', 'certificate.pem'),
    keyFile: join(dataFolder, 'tls', 'key.pem'),
  }
  await ensureCertificate(files, new Date())

  // Calls all the while: none may fail.
  let isRenewed = false
  const calling = (async () => {
    while (!isRenewed) assert.equal((await server.call('GET', paths.member, { token })).status, 200)
  })()
  server.process.kill('SIGHUP')
  await until(async () => (await certificateOf(server.https!)) !== before)
  isRenewed = true
  await calling
  assert.equal(told(await verify(server, token, contact, code)), '200', 'made with the old key')
  const made = await newApp(server, {})
  assert.equal(told(await logInTo(server, made, 'renewed')), '200', 'sealed with the new key')

  writeFileSync(files.keyFile, 'no key')
  server.process.kill('SIGHUP')
  await until(() => /is no private key/.test(server.output()))
  assert.equal((await server.call('GET', paths.member, { token })).status, 200)
  await server.stop()
  rmSync(dataFolder, { recursive: true })
})

/** The fingerprint of the certificate that is offered. */
async function certificateOf(url: string): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}

test('a disabled app or member is refused within a second, by the running server', async () => {
  await using server = await startServer()
  const app = await newApp(server, {})
  const [first, second] = [await tokenOf(server, app, 'one'), await server.logIn('two')]
  const show = (token: string) => server.call('GET', paths.member, { token })
  assert.equal(told(await show(first)), '200')
  assert.equal(told(await show(second)), '200')
  await command(server, 'app', 'disable', app.id)
  await command(server, 'member', 'disable', 'two', '--tenant', 'demo')
  await new Promise((resolve) => setTimeout(resolve, 1000))
  assert.equal(told(await show(first)), '403 USG.000000005')
  assert.equal(told(await show(second)), '403 USG.206010007')
  assert.equal(told(await logInTo(server, app, 'one')), '403 USG.000000005')
  assert.equal(told(await logInTo(server, server.app, 'two')), '412 USG.206010007')
})

test('SMS goes only to countries that are allowed', async () => {
  await using server = await startServer({ env: { COUNTERSIGN_POLICY_COUNTRIES: 'CN,HK' } })
  const token = await server.logIn('abroad')
  assert.equal(told(await send(server, token, newNumber())), '200')
  const answer = await server.call('POST', paths.send, {
    token,
    body: { contact: '+447400123456', country: 'UK' },
  })
  assert.equal(told(answer), '400 USG.206030003')
})

test('A-9: an address that an app tells limits within that app, and without one the app’s own address does', async () => {
  await using server = await startServer({ env: { COUNTERSIGN_POLICY_LIMITS_ISSUES_NETWORK: '1/1h' } })
  const [app, other] = [
    await newApp(server, { tellsClientIp: ['10.0.0.0/8', '127.0.0.1'] }),
    await newApp(server, { tellsClientIp: true }),
  ]
  let nth = 0
  const ask = async (by: typeof app, ip?: string) => {
    const token = await tokenOf(server, by, `told${nth++}`)
    return told(await send(server, token, newNumber(), ip === undefined ? {} : { 'X-Client-IP': ip }))
  }
  const full = '400 USG.206060008'
  assert.equal(await ask(app, '192.0.2.1'), '200')
  for (const same of [
    '192.0.2.1',
    '192.0.2.1:5060',
    ' ::FFFF:c000:201 ',
    '64:ff9b::192.0.2.1',
    '8.8.8.8, 192.0.2.1',
  ])
    assert.equal(await ask(app, same), full, same)
  assert.equal(await ask(app, '192.0.2.2'), '200')
  assert.equal(await ask(app, '2001:db8::1'), '200')
  assert.equal(await ask(app, '[2001:DB8:0:0:ffff::2]:443'), full, 'an IPv6 network is a /64')
  assert.equal(await ask(other, '192.0.2.1'), '200', 'what one app tells counts not for another')
  assert.equal(await ask(app), '200', 'told none, limited by its own address')
  for (const none of ['', 'no address', '192.000.002.009', '192.0.2.300', '192.0.2.3,', 'fe80::1::2'])
    assert.equal(await ask(app, none), full, none)
  assert.equal(await ask(server.app), full, 'that address is the same for who tells none')
})

test('an app is believed about its clients’ addresses only from where its servers are', async () => {
  await using server = await startServer({ env: { COUNTERSIGN_POLICY_LIMITS_ISSUES_NETWORK: '1/1h' } })
  const app = await newApp(server, { tellsClientIp: ['10.0.0.0/8', '::2'] })
  const ask = async (userId: string, ip: string) =>
    told(await send(server, await tokenOf(server, app, userId), newNumber(), { 'X-Client-IP': ip }))
  assert.equal(await ask('a', '192.0.2.1'), '200')
  assert.equal(await ask('b', '192.0.2.2'), '400 USG.206060008')
})

test('a used nonce is refused where the policy says so', async () => {
  await using server = await startServer()
  const app = await newApp(server, { refusesRepeatedNonce: true })
  const login = (one: { id: string; key: string }) => {
    const { headers, body } = appLogin(one, { userId: 'nonce', nonce: 'n'.repeat(40) })
    return server.call('POST', paths.appLogin, { headers, body })
  }
  assert.equal(told(await login(app)), '200')
  assert.equal(told(await login(app)), '401 USG.206010025')
  assert.equal(told(await login(server.app)), '200')
  assert.equal(told(await login(server.app)), '200', 'documented clients repeat them')
})

test('the same over HTTPS with the certificate made at first start', async () => {
  await using server = await startServer({ https: true })
  const { stdout } = await run('curl', [
    '-s',
    '--cacert',
    join(server.dataFolder, 'tls', 'certificate.pem'),
    `${server.https}${paths.member}`,
  ])
  assert.match(stdout, /USG\.206020000/)
})

test('a second server on the same data folder refuses to start and says why', async () => {
  await using server = await startServer()
  await assert.rejects(
    startServer({ dataFolder: server.dataFolder }),
    /ended with 3: .*Another server already runs/,
  )
})

test('the operator’s calls are answered without TLS on a loopback address, and on no name that begins like one', async () => {
  const dataFolder = temporaryFolder()
  await (await startServer({ dataFolder, https: true })).stop() // makes the certificate
  const tls = {
    COUNTERSIGN_TLS_CERTIFICATE: join(dataFolder, 'tls', 'certificate.pem'),
    COUNTERSIGN_TLS_KEY: join(dataFolder, 'tls', 'key.pem'),
  }
  // Some resolvers make 127.0.0.1 of the name 127.1, as of 127.example.com whoever owns it may.
  for (const [host, isInClear] of [
    ['127.0.0.1', true],
    ['127.1', false],
  ] as const) {
    const port = await freePort()
    const env = { ...tls, COUNTERSIGN_ADMIN_LISTEN: `${host}:${port}` }
    await using _server = await startServer({ dataFolder, env })
    const answer = await fetch(`http://127.0.0.1:${port}/admin/v1/verifications/x`).catch(() => null)
    assert.equal(answer?.status, isInClear ? 401 : undefined, host)
  }
  rmSync(dataFolder, { recursive: true })
})

test('metrics are for this machine alone, probes for all', async () => {
  await using server = await startServer()
  const through = { headers: { 'X-Forwarded-For': '192.0.2.1' } }
  assert.equal((await server.call('GET', '/metrics')).status, 200)
  assert.equal((await server.call('GET', '/metrics', through)).status, 403)
  assert.equal((await server.call('GET', '/livez', through)).status, 200)
  assert.equal((await server.call('GET', '/readyz', through)).status, 200)
})

test('a number of a disabled member goes to who proves it, and of an active one to nobody', async () => {
  await using server = await startServer({
    env: { COUNTERSIGN_POLICY_LIMITS_ISSUES_ADDRESS_GAPS: '', COUNTERSIGN_POLICY_LIFETIME_SMS: '10m' },
  })
  const contact = newNumber()
  const [former, next] = [await server.logIn('former'), await server.logIn('next')]
  let sent = 0
  const prove = async (token: string) => {
    await send(server, token, contact)
    sent++
    const messages = await until(async () => {
      const codes = (await server.inbox(contact)).filter(({ code }) => code !== null)
      return codes.length === sent && codes
    })
    const verificationCode = messages[0]!.code // the newest
    return told(await server.call('PUT', paths.contact, { token, body: { contact, verificationCode } }))
  }
  assert.equal(await prove(former), '200')
  await command(server, 'member', 'disable', 'former', '--tenant', 'demo')
  assert.equal(await prove(next), '200')
  const { json } = await server.call('GET', paths.member, { token: next })
  assert.equal(json.phone, contact)
  await command(server, 'member', 'disable', 'former', '--tenant', 'demo', '--undo')
  assert.equal(await prove(await server.logIn('former')), '400 USG.206010065')
})
