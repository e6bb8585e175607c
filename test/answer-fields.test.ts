/** Every field of every answer has its documented JSON type; with another, strictly typed SDKs fail at each call. */

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { after, before, test } from 'node:test'
import { answerFields, refusalFields } from '../src/http/huawei/answer-fields.ts'
import { corpAnswerFields } from '../src/http/huawei/corp-answer-fields.ts'
import { appAnswerFields } from '../src/http/huawei/corp-app-answer-fields.ts'
import type { Fields } from '../src/http/huawei/member-fields.ts'
import { passwordAnswerFields } from '../src/http/huawei/password-answer-fields.ts'
import { openStoreOf } from './engine.ts'
import { holds } from './held-fields.ts'
import {
  type Answer,
  appLogin,
  bin,
  type Call,
  newNumber,
  paths,
  type Server,
  startServer,
} from './server.ts'
import { until } from './until.ts'

let server: Server
before(async () => {
  server = await startServer()
})
after(() => server[Symbol.asyncDispose]())

const answered = new Set<string>()

/** Calls, and holds the answer to the table. */
async function call(method: string, path: string, asked: Call): Promise<Record<string, unknown>> {
  const name = `${method} ${path}`
  const answer = await server.call(method, path, asked)
  assert.equal(answer.status, 200, `${name}: ${answer.text}`)
  holds(answer.json, answerFields[name as keyof typeof answerFields] as Fields, name)
  answered.add(name)
  return answer.json
}

test('every answer of every call has the documented fields, no more and no less, each of its type', async () => {
  const made = await call('POST', paths.appLogin, appLogin(server.app, { userId: 'typed' }))
  const token = String(made.accessToken)
  const basic = Buffer.from(`${server.member.account}:${server.member.password}`).toString('base64')
  await call('POST', paths.accountLogin, {
    headers: { Authorization: `Basic ${basic}` },
    body: { account: server.member.account, clientType: 72 },
  })
  for (const path of [paths.validate, '/v2/usg/acs/token/validate'])
    await call('POST', path, { body: { token } })
  const contact = newNumber()
  await call('GET', paths.member, { token })
  await call('POST', paths.send, { token, body: { contact } })
  const withCode = { token, body: { contact, verificationCode: await server.codeFor(contact) } }
  await call('POST', paths.verify, withCode)
  await call('PUT', paths.contact, withCode)
  await call('PUT', paths.member, { token, body: { name: 'Typed' } })
  const shown = await call('GET', paths.member, { token })
  assert.equal(shown.phone, contact)
  assert.equal(shown.hidePhone, false)
  const user = made.user as Record<string, unknown>
  assert.equal(user.freeUser, false)
  for (const { deptCode, thirdAccount } of [shown, { ...user, deptCode: '1' }]) {
    assert.equal(deptCode, '1')
    assert.equal(thirdAccount, 'typed')
  }
  const generated = await call('POST', paths.validate, { body: { token, needGenNewToken: true } })
  const renewed = await call('PUT', paths.token, { token: String(generated.refreshToken) })
  await call('DELETE', paths.token, { token: String(renewed.accessToken) })
  const undo = '/v1/usg/dcs/member/contact/undo'
  await using store = await openStoreOf(server.dataFolder)
  const member = (await store.directory.member(String(shown.id)))!
  const { id, tenant, phone, email } = member
  const wish = {
    contact: 'phone',
    address: null,
    country: null,
    notices: [],
    lease: { owner: '', ms: 0 },
  } as const
  await store.directory.setContact({
    tenant,
    app: server.app.id,
    member: id,
    seen: { phone, email },
    ...wish,
  })
  const before = (await server.inbox(contact)).length
  await call('POST', undo, { body: { contact } })
  const code = await until(async () => {
    const messages = await server.inbox(contact)
    return messages.length > before && messages[0]!.code!
  })
  await call('POST', `${undo}/verify`, { body: { contact, verificationCode: code } })
  assert.deepEqual(
    [...answered].sort(),
    Object.keys(answerFields)
      // Those are in corp.test.ts, corp-apps.test.ts and passwords.test.ts.
      .filter(
        (name) => !(name in corpAnswerFields || name in appAnswerFields || name in passwordAnswerFields),
      )
      .sort(),
    'all calls',
  )
})

test('every refusal has three strings, none of them empty', async () => {
  const refusal = (answer: Answer, status: number) => {
    assert.equal(answer.status, status, answer.text)
    holds(answer.json, refusalFields, answer.text)
    for (const value of Object.values(answer.json)) assert.ok(value)
  }
  refusal(await server.call('GET', paths.member), 401)
  refusal(await server.call('POST', paths.validate, { body: { token: 'x' } }), 401)
  refusal(await server.call('POST', paths.appLogin, { body: {} }), 400)
  refusal(await server.call('GET', '/nowhere'), 404)
  refusal(await server.call('PATCH', paths.member), 405)
})

test('Basic is read as UTF-8, and as Latin-1 when so read it names the account of the body', async () => {
  const logIn = (account: string, credentials: Buffer) =>
    server.call('POST', paths.accountLogin, {
      headers: { Authorization: `Basic ${credentials.toString('base64')}` },
      body: { account, clientType: 72 },
    })
  const wrong = async (account: string, credentials: Buffer) => {
    const answer = await logIn(account, credentials)
    assert.equal(`${answer.status} ${answer.json.error_code}`, '401 USG.206010000', answer.text)
  }
  const account = 'jürgen'
  const { password } = JSON.parse(
    execFileSync(
      process.execPath,
      [bin, 'member', 'add', '--tenant', 'demo', '--account', account, '--json', '--data', server.dataFolder],
      { env: { ...process.env, ...server.env }, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
    ),
  ) as { password: string }
  assert.equal((await logIn(account, Buffer.from(`${account}:${password}`))).status, 200)
  assert.equal((await logIn(account, Buffer.from(`${account}:${password}`, 'latin1'))).status, 200)
  await wrong(account, Buffer.from(`${account}:${password}x`, 'latin1'))
  await wrong('jurgen', Buffer.from(`${account}:${password}`, 'latin1'))
  await wrong('j\u{fffd}rgen', Buffer.from(`${account}:${password}`, 'latin1'))
})
