/** The security statements that show over HTTP, each by its id, against the real server. */

import assert from 'node:assert/strict'
import { connect } from 'node:net'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { nextCode, ownerOf, sendTo, verify } from './codes.ts'
import { ofNoEngine, ofTheEmbeddedStore, openStoreOf } from './engine.ts'
import { type Answer, newNumber, paths, type Server, startServer } from './server.ts'
import { dump } from './store-dump.ts'
import { until } from './until.ts'

const wrongFor = (code: string) => (code === '123456' ? '654321' : '123456')

function tally(answers: readonly Answer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status, json } of answers) {
    const key = status === 200 ? '200' : String(json.error_code)
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

const noGap = { COUNTERSIGN_POLICY_LIMITS_ISSUES_ADDRESS_GAPS: '' }

test('N-3: of 200 simultaneous right submissions exactly one is accepted', async () => {
  await using server = await startServer({
    args: ['--limits', 'none'],
    env: { COUNTERSIGN_POLICY_MAX_SUBMISSIONS: '10' },
  })
  const contact = newNumber()
  const token = await ownerOf(server, 'racer', contact)
  const code = await nextCode(server, token, contact)
  const answers = await Promise.all(Array.from({ length: 200 }, () => verify(server, token, contact, code)))
  assert.equal(tally(answers)['200'], 1)
})

test('N-4: 200 simultaneous guesses spend exactly five submissions, and the right code comes too late', async () => {
  await using server = await startServer()
  const token = await server.logIn('guesser')
  const contact = newNumber()
  const code = await sendTo(server, token, contact)
  const answers = await Promise.all(
    Array.from({ length: 200 }, () => verify(server, token, contact, wrongFor(code))),
  )
  assert.deepEqual(tally(answers), { 'USG.206030001': 5, 'USG.206030019': 195 })
  const late = await verify(server, token, contact, code)
  assert.equal(late.json.error_code, 'USG.206030019')
  assert.ok(Number(late.headers.get('retry-after')) <= 60)
})

test('N-4: verify and update share the five submissions', async () => {
  await using server = await startServer()
  const token = await server.logIn('sharer')
  const contact = newNumber()
  const code = await sendTo(server, token, contact)
  const update = () =>
    server.call('PUT', paths.contact, { token, body: { contact, verificationCode: wrongFor(code) } })
  const answers = [
    await verify(server, token, contact, wrongFor(code)),
    await update(),
    await update(),
    await verify(server, token, contact, wrongFor(code)),
    await update(),
    await update(),
  ]
  assert.deepEqual(
    answers.map(({ json }) => json.error_code),
    [...Array(5).fill('USG.206030001'), 'USG.206030019'],
  )
})

test('N-6: a change is announced to the old contact and to every other one, not by the code’s channel alone', async () => {
  await using server = await startServer({ env: noGap })
  const [old, next] = [newNumber(), newNumber()]
  const email = 'owner@example.com'
  const token = await ownerOf(server, 'announced', old)
  const change = async (contact: string) => {
    await verify(server, token, old, await nextCode(server, token, old))
    const verificationCode = await sendTo(server, token, contact)
    assert.equal(
      (await server.call('PUT', paths.contact, { token, body: { contact, verificationCode } })).status,
      200,
    )
  }
  const notices = async (to: string) =>
    (await server.inbox(to)).filter((message) => message.template === 'contact-changed')
  await change(email)
  await until(async () => (await notices(old)).length === 1)
  await change(next)
  await until(async () => (await notices(old)).length === 2 && (await notices(email)).length === 1)
  assert.equal((await notices(next)).length, 0)
  for (const message of [...(await notices(old)), ...(await notices(email))]) {
    assert.equal(message.code, null)
    assert.ok(
      !message.text.includes(next) && !message.text.includes(email),
      'a notice holds the new contact masked',
    )
  }
})

test('N-7: a code serves its own member, address and purpose alone', async () => {
  await using server = await startServer({ env: noGap })
  const [mine, other] = [newNumber(), newNumber()]
  const token = await server.logIn('holder')
  const stranger = await server.logIn('stranger')
  const code = await sendTo(server, token, mine)
  await sendTo(server, token, other)
  assert.equal(
    (await verify(server, stranger, mine, code)).json.error_code,
    'USG.206030001',
    'another member',
  )
  assert.equal((await verify(server, token, other, code)).json.error_code, 'USG.206030001', 'another address')
  const change = (verificationCode: string) =>
    server.call('PUT', paths.contact, { token, body: { contact: mine, verificationCode } })
  assert.equal((await change(code)).status, 200)
  // Now the contact is the member's own: its next code proves it and stores nothing.
  const proving = await nextCode(server, token, mine)
  assert.equal((await change(proving)).json.error_code, 'USG.206030001', 'another purpose')
  assert.equal((await verify(server, token, mine, proving)).status, 200)
  assert.equal((await verify(server, token, mine, proving)).json.error_code, 'USG.206030001', 'used')
})

test('A-3: no code, token, key or password in any output, and no address beyond its own columns', async () => {
  await using server = await startServer({
    env: {
      ...noGap,
      COUNTERSIGN_POLICY_DIGITS: '10',
      COUNTERSIGN_LOG_LEVEL: 'debug',
      COUNTERSIGN_LOG_REQUESTS: 'all',
    },
  })
  const secrets = new Set<string>([server.app.key, server.member.password])
  const [phone, email] = [newNumber(), 'canary.mailbox@example.com']
  const token = await server.logIn('canary')
  secrets.add(token)
  const bodies: string[] = []
  const call = async (method: string, path: string, body: unknown) => {
    bodies.push((await server.call(method, path, { token, body })).text)
  }
  for (const contact of [phone, email]) {
    const code = await sendTo(server, token, contact)
    secrets.add(code)
    await call('POST', paths.verify, { contact, verificationCode: '0000000000' })
    await call('POST', paths.send, { contact })
    await call('PUT', paths.contact, { contact, verificationCode: code })
    await call('POST', paths.send, { contact: `${contact} x` })
    await call('GET', `/nowhere/${contact}`, undefined)
  }
  await server.call('POST', paths.accountLogin, {
    headers: {
      Authorization: `Basic ${Buffer.from(`${server.member.account}:${server.member.password}`).toString('base64')}`,
    },
    body: { account: server.member.account, clientType: 72 },
  })
  const metrics = (await server.call('GET', '/metrics')).text
  await server.stop()
  const { everything: stored, aside } = await dump(server.dataFolder)
  const printed = server.output().split('\n').slice(1).join('\n') // the first line is for whoever started it
  const outputs = { printed, metrics, bodies: bodies.join('\n'), aside }
  for (const secret of secrets)
    for (const [name, output] of Object.entries({ ...outputs, stored }))
      assert.ok(!output.includes(secret), `a secret is in ${name}`)
  for (const address of [phone, phone.slice(1), email])
    for (const [name, output] of Object.entries(outputs))
      assert.ok(!output.includes(address), `${address} is in ${name}`)
  assert.ok(aside.includes('sandbox-') && printed.includes('answered'), 'there was something to search')
})

test('A-3: the same dump finds a code and an address that were put where they may not be', async () => {
  await using server = await startServer()
  const [code, address] = ['2718281828', newNumber()]
  {
    await using store = await openStoreOf(server.dataFolder)
    const detail = { code, address }
    await store.journal.append({
      kind: 'refusal',
      tenant: 't',
      app: '',
      member: '',
      verification: '',
      detail,
    })
  }
  await server.stop()
  const { everything, aside } = await dump(server.dataFolder)
  for (const text of [everything, aside])
    for (const canary of [code, address]) assert.ok(text.includes(canary), canary)
})

test('A-4: X-Forwarded-For is believed only from a configured proxy', async () => {
  const limits = { COUNTERSIGN_POLICY_LIMITS_ISSUES_NETWORK: '2/1h' }
  for (const [trusted, expected] of [
    ['', 2],
    ['127.0.0.1', 6],
  ] as const) {
    await using server = await startServer({
      env: { ...limits, ...(trusted && { COUNTERSIGN_TRUSTED_PROXIES: trusted }) },
    })
    let accepted = 0
    for (let i = 0; i < 6; i++) {
      const token = await server.logIn(`person-${i}`)
      const answer = await server.call('POST', paths.send, {
        token,
        headers: { 'X-Forwarded-For': `192.0.2.${i}`, 'X-Client-IP': `192.0.2.${i}` },
        body: { contact: newNumber() },
      })
      if (answer.status === 200) accepted++
    }
    assert.equal(accepted, expected, `trusted: ${trusted}`)
  }
})

const ofLock = ofTheEmbeddedStore('holds its lock; test/postgres.test.ts hangs a server')

test(
  'A-6: with the store locked every call is refused within a second, and it is well again after',
  ofLock,
  async () => {
    await using server = await startServer({ env: noGap })
    const contact = newNumber()
    const token = await ownerOf(server, 'patient', contact)
    const code = await nextCode(server, token, contact)
    const db = new DatabaseSync(join(server.dataFolder, 'countersign.db'), { timeout: 5000 })
    db.exec('begin immediate')
    const started = performance.now()
    const answers = await Promise.all([
      verify(server, token, contact, code),
      server.call('POST', paths.send, { token, body: { contact: newNumber() } }),
      server.call('PUT', paths.contact, { token, body: { contact, verificationCode: code } }),
      server.call('PUT', paths.token, { token }),
    ])
    const tookMs = performance.now() - started
    for (const answer of answers) {
      assert.equal(`${answer.status} ${answer.json.error_code}`, '500 USG.000000001', answer.text)
      assert.ok(Number(answer.headers.get('retry-after')) >= 1)
    }
    assert.ok(tookMs < 1000 * 2, 'a locked store answers after its deadline, not after ever')
    assert.equal((await server.call('GET', '/readyz')).status, 503)
    assert.equal((await server.call('GET', '/livez')).status, 200)
    const sent = (await server.inbox()).length
    db.exec('rollback')
    db.close()
    await until(async () => (await server.call('GET', '/readyz')).status === 200)
    assert.equal((await server.inbox()).length, sent, 'what was refused was not sent later')
    assert.equal(
      (await verify(server, token, contact, code)).status,
      200,
      'the code was not used up by a refused call',
    )
  },
)

async function rawAnswer(server: Server, text: string): Promise<string> {
  const socket = connect(Number(new URL(server.http).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => undefined)
  socket.write(text)
  await new Promise((resolve) => socket.once('close', resolve))
  return answer
}

test('A-8: oversized and slow requests are cut, and do not stop others', {
  timeout: 60_000,
  ...ofNoEngine,
}, async () => {
  await using server = await startServer()
  const token = await server.logIn('large')
  const large = await server.call('POST', paths.send, {
    token,
    body: { contact: newNumber(), filler: 'x'.repeat(17 * 1024) },
  })
  assert.equal(`${large.status} ${large.json.error_code}`, '400 USG.000000003')
  assert.match(
    await rawAnswer(server, `GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(17 * 1024)}\r\n\r\n`),
    /^HTTP\/1.1 400[\s\S]*USG.000000003[\s\S]*"request_id":"[0-9a-f]{32}"/,
  )
  assert.match(await rawAnswer(server, 'BREW /pot HTCPCP/1.0\r\n\r\n'), /^HTTP\/1.1 400[\s\S]*USG.000000003/)
  const slow = rawAnswer(
    server,
    `POST ${paths.send} HTTP/1.1\r\nHost: x\r\nX-Access-Token: ${token}\r\nContent-Length: 50\r\n\r\n{`,
  )
  using idle = new DisposableStack()
  for (let i = 0; i < 8_000; i++) {
    const socket = connect(Number(new URL(server.http).port), '127.0.0.1').on('error', () => undefined)
    idle.defer(() => socket.destroy())
  }
  await until(async () => (await server.call('GET', paths.member, { token })).status === 200)
  assert.match(await slow, /^HTTP\/1.1 400[\s\S]*10 (seconds|秒)/)
  await until(async () => (await server.call('GET', paths.member, { token })).status === 200)
})
