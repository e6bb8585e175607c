/** Account logins as people, programs and attackers make them: at once, cut off, from many networks, by the thousand. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { type ScriptedCarrier, startScriptedCarrier } from './scripted-carrier.ts'
import { newNumber, paths, type Server, startServer, temporaryFolder } from './server.ts'
import { until } from './until.ts'

let carrier: ScriptedCarrier
let server: Server
const folder = temporaryFolder()
const agent = new Agent({ keepAlive: true, maxSockets: 500 })

before(async () => {
  carrier = await startScriptedCarrier()
  const file = join(folder, 'settings.yaml')
  // By a name, so that it is looked up.
  const provider = carrier.settings('carrier').replaceAll('127.0.0.1', 'localhost')
  writeFileSync(file, `providers:\n${provider}\ntrustedProxies: [127.0.0.1]\n`)
  server = await startServer({ args: ['--config', file], dataFolder: folder })
})
after(async () => {
  agent.destroy()
  await server[Symbol.asyncDispose]()
  await carrier[Symbol.asyncDispose]()
})

type Told = { readonly status: number; readonly code: string; readonly retryAfter: number }

/** @param from  The client's address, as the proxy in front reports it. */
function logIn(account: string, password: string, from: string): Promise<Told> {
  return new Promise((resolve, reject) => {
    const call = loginCall(account, password, from)
    call.on('error', reject)
    call.on('response', async (response) => {
      let text = ''
      for await (const chunk of response) text += chunk
      const { error_code: code = '' } = JSON.parse(text) as { error_code?: string }
      resolve({ status: response.statusCode!, code, retryAfter: Number(response.headers['retry-after']) })
    })
  })
}

function loginCall(account: string, password: string, from: string) {
  const call = request(`${server.http}${paths.accountLogin}`, {
    method: 'POST',
    agent,
    headers: {
      Authorization: `Basic ${Buffer.from(`${account}:${password}`).toString('base64')}`,
      'Content-Type': 'application/json',
      'X-Forwarded-For': from,
    },
  })
  call.end(JSON.stringify({ account, clientType: 72 }))
  return call
}

/** Logs in like a program: if the server is busy, it tries again. */
async function patiently(login: () => Promise<Told>): Promise<Told> {
  for (let tries = 0; tries < 50; tries++) {
    const told = await login()
    if (told.status !== 500) return told
    assert.equal(told.code, 'USG.000000001')
    assert.equal(told.retryAfter, 1)
    await pause(200)
  }
  throw new Error('busy for ever')
}

const times = <T>(count: number, act: (nth: number) => T): T[] =>
  Array.from({ length: count }, (_, nth) => act(nth))
const right = (from: string) => logIn(server.member.account, server.member.password, from)
const statusesOf = (told: readonly Told[]) => [...new Set(told.map(({ status }) => status))]

for (const [nth, count] of [6, 20, 50].entries())
  test(`of ${count} logins at once with the right password all succeed`, async () => {
    const told = await Promise.all(times(count, () => patiently(() => right(`192.0.2.${nth}`))))
    assert.deepEqual(statusesOf(told), [200])
  })

test('50 logins at once with the right password succeed with both cores busy too', async () => {
  const burning = times(2, () => new Worker('for (;;);', { eval: true }))
  try {
    const told = await Promise.all(times(50, () => patiently(() => right('192.0.2.50'))))
    assert.deepEqual(statusesOf(told), [200])
  } finally {
    await Promise.all(burning.map((one) => one.terminate()))
  }
})

test('logins at once with the right password from many networks all succeed', async () => {
  const told = await Promise.all(times(40, (nth) => patiently(() => right(`192.0.2.${100 + nth}`))))
  assert.deepEqual(statusesOf(told), [200])
})

test('a login whose connection is cut counts for nothing', async () => {
  const { account, password } = server.admin
  await Promise.all(
    times(30, async (nth) => {
      const call = loginCall(account, password, '192.0.2.60')
      call.on('error', () => undefined)
      await pause(nth)
      call.destroy()
    }),
  )
  assert.equal((await patiently(() => logIn(account, password, '192.0.2.60'))).status, 200)
})

test('of 50 guesses at once five are looked at', async () => {
  const guess = (nth: number) => logIn('guessed@demo', `guess ${nth}`, '192.0.2.61')
  const told = await Promise.all(times(50, guess))
  // What was not looked at for want of time is guessed again, until the account is locked.
  for (let nth = 50; told.at(-1)!.status !== 423; nth++) told.push(await patiently(() => guess(nth)))
  assert.equal(told.filter(({ status }) => status === 401).length, 5)
  for (const { status, retryAfter } of told)
    assert.ok(status === 401 || status === 500 || (status === 423 && retryAfter <= 60), String(status))
})

test('A-9: hundreds of wrong passwords from elsewhere lock out nobody where he logged in before', async () => {
  const home = '2001:db8:1:2::7'
  assert.equal((await patiently(() => right(home))).status, 200)
  const { account } = server.member
  const told: Told[] = []
  for (let round = 0; round < 15; round++)
    told.push(
      ...(await Promise.all(times(20, (nth) => logIn(account, `wrong ${nth}`, `198.51.${round}.${nth}`)))),
    )
  assert.ok(told.filter(({ status }) => status === 401).length <= 20, 'a day’s budget of all strangers')
  // One more stranger is refused at once. The owner, from the same /64 as before, is not affected.
  const locked = await patiently(() => right('203.0.113.9'))
  assert.deepEqual([locked.status, locked.code], [423, 'USG.206030015'])
  assert.ok(locked.retryAfter > 3_600 && locked.retryAfter <= 86_400)
  assert.equal((await patiently(() => right('2001:db8:1:2::8'))).status, 200)
})

test('wrong passwords are charged to the network, over all accounts, and those used from it are not concerned', async () => {
  const office = '192.0.2.70'
  assert.equal(
    (await patiently(() => logIn(server.admin.account, server.admin.password, office))).status,
    200,
  )
  let wrong = 0
  for (let nth = 0; wrong < 61; nth++) {
    const { status } = await patiently(() => logIn(`nobody${nth}@demo`, 'wrong', office))
    if (status === 423) break
    wrong++
  }
  assert.equal(wrong, 60)
  assert.equal((await patiently(() => right(office))).status, 423)
  assert.equal(
    (await patiently(() => logIn(server.admin.account, server.admin.password, office))).status,
    200,
  )
})

test('A-12: under a flood of logins of unknown accounts a code is sent, and who logged in before logs in', async () => {
  const home = '192.0.2.80'
  const { account, password } = server.admin
  assert.equal((await patiently(() => logIn(account, password, home))).status, 200)
  const token = await server.logIn('sender')
  let isOver = false
  let answered = 0
  const flood = times(150, async (nth) => {
    for (let round = 0; !isOver; round++) {
      const { status, retryAfter } = await logIn(`unknown${nth}@demo`, 'guess', `10.${nth}.0.${round % 250}`)
      assert.ok(status === 401 || ([423, 500].includes(status) && retryAfter > 0), String(status))
      answered++
      await pause(100)
    }
  })
  const ended = Promise.all(flood).finally(() => {
    isOver = true
  })
  ended.catch(() => undefined) // awaited below
  await until(() => answered > 300 || isOver)
  for (let round = 0; round < 3; round++) {
    const contact = newNumber()
    const { status } = await server.call('POST', paths.send, { token, body: { contact } })
    assert.equal(status, 200)
    await until(() => carrier.taken.some(({ to }) => to === contact))
    const told = await patiently(() => logIn(account, password, home))
    assert.equal(told.status, 200)
  }
  isOver = true
  await ended
})
