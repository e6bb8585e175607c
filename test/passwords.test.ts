/** Passwords over the wire: forgotten and set again by a code, changed by the member, reset by an administrator. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Fields } from '../src/http/huawei/member-fields.ts'
import { passwordAnswerFields } from '../src/http/huawei/password-answer-fields.ts'
import { run } from './cli-run.ts'
import { holds } from './held-fields.ts'
import { holeIn } from './puzzle.ts'
import { type Answer, appLogin, newNumber, paths, type Server, startServer } from './server.ts'
import { until } from './until.ts'

let server: Server
/** Of the default administrator. */
let root: string
before(async () => {
  // One network asks for all, and types thousands of wrong codes.
  server = await startServer({
    env: {
      COUNTERSIGN_POLICY_LIMITS_ISSUES_ADDRESS_GAPS: '1ms',
      COUNTERSIGN_POLICY_LIMITS_ISSUES_NETWORK: '1000/1h',
      COUNTERSIGN_POLICY_LIMITS_WRONG_NETWORK: '1000/1h',
      COUNTERSIGN_TRUSTED_PROXIES: '127.0.0.1',
    },
  })
  root = (await server.call('POST', paths.appLogin, appLogin(server.app))).json.accessToken as string
})
after(() => server[Symbol.asyncDispose]())

const puzzle = 'POST /v1/usg/acs/auth/slideverifycode/send'
const solve = 'PUT /v1/usg/acs/auth/slideverifycode/check'
const send = 'POST /v1/usg/acs/verifycode/send'
const check = 'PUT /v1/usg/acs/verifycode/check'
const set = 'PUT /v1/usg/acs/password/reset'
const change = 'PUT /v1/usg/acs/password'
const reset = 'PUT /v1/usg/acs/password/admin/reset'

const answered = new Set<string>()

function once(name: string, body: unknown, token?: string, from?: string): Promise<Answer> {
  const [method, path] = name.split(' ') as [string, string]
  return server.call(method, path, {
    body,
    ...(token !== undefined && { token }),
    ...(from !== undefined && { headers: { 'x-forwarded-for': from } }),
  })
}

/** Asks again if the machine was too busy to draw a picture or to hash a password in time. */
async function patient(ask: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; ; tries++) {
    const answer = await ask()
    if (answer.json.error_code !== 'USG.000000001' || tries === 20) return answer
    await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

/** @param from  The client's address, if it is another than this machine's. */
async function call(
  name: keyof typeof passwordAnswerFields,
  body: unknown,
  token?: string,
  from?: string,
): Promise<Answer> {
  const answer = await patient(() => once(name, body, token, from))
  if (answer.status !== 200) return answer
  holds(answer.json, passwordAnswerFields[name] as Fields, name)
  answered.add(name)
  return answer
}

function refused(answer: Answer, status: number, code: string): void {
  assert.equal(`${answer.status} ${answer.json.error_code}`, `${status} ${code}`, answer.text)
}

function done(answer: Answer): Record<string, unknown> {
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}

async function newPuzzle(user: string, checkType = 1) {
  const { shadowImage, cutImage, pointY, token, expire } = done(
    await call(puzzle, { user, clientType: 0, checkType }),
  )
  assert.equal(expire, 180)
  assert.match(String(token), /^.{33}$/)
  const pointX = holeIn(String(shadowImage), String(cutImage), Number(pointY))
  return { user, clientType: 0, checkType, token: String(token), pointX, slideTime: 1200 }
}

async function solved(user: string): Promise<string> {
  return String(done(await call(solve, await newPuzzle(user))).token)
}

/** @returns What `send` answered, and the token of the entered code. */
async function proved(user: string, to: string, sendMethod?: string) {
  const sent = done(await call(send, { user, token: await solved(user), sendMethod }))
  const code = await codeFor(to)
  const { token } = done(await call(check, { user, code }))
  return { sent, token: String(token), code }
}

/** Of the newest message: a code that was entered before is not waited for again. */
const seen = new Set<string>()
async function codeFor(to: string): Promise<string> {
  let code = ''
  await until(async () => {
    const [newest] = await server.inbox(to)
    if (!newest?.code || seen.has(newest.id)) return false
    seen.add(newest.id)
    code = newest.code
    return true
  })
  return code
}

let members = 0
async function newMember(more: Record<string, unknown> = {}) {
  const account = `forget-${++members}-ful`
  const [phone, email] = [newNumber(), `for${++members}get-me-ful@corp.example.com`]
  const password = 'good-pass-1'
  const body = { name: 'F', account, phone, email, pwd: password, sendNotify: '0', ...more }
  const answer = await patient(() => server.call('POST', '/v1/usg/dcs/corp/member', { token: root, body }))
  assert.equal(answer.status, 200, answer.text)
  return { account, phone, email, password }
}

function logIn(account: string, password: string): Promise<Answer> {
  const authorization = `Basic ${Buffer.from(`${account}:${password}`).toString('base64')}`
  return patient(() =>
    server.call('POST', paths.accountLogin, {
      headers: { authorization },
      body: { account, clientType: 72 },
    }),
  )
}

async function templatesTo(to: string): Promise<string[]> {
  return (await server.inbox(to)).map(({ template }) => template)
}

test('a forgotten password is set by a code: from the puzzle to the login', async () => {
  const { account, phone, email } = await newMember()
  const old = String(done(await logIn(account, 'good-pass-1')).accessToken)
  const { sent, token, code } = await proved(account, phone)
  assert.deepEqual(sent, {
    expire: 180,
    bindPhone: `${phone.slice(0, 6)}****${phone.slice(-4)}`,
    bindEmail: null,
  })
  assert.equal(code.length, 6)
  refused(await call(set, { user: account, newPwd: 'password1' }, token), 400, 'USG.201040016')
  refused(await call(set, { user: phone, newPwd: 'better-pass-2' }, token), 401, 'USG.206020000')
  done(await call(set, { user: account, newPwd: 'better-pass-2', passWordType: 0 }, token))
  refused(await call(set, { user: account, newPwd: 'better-pass-3' }, token), 401, 'USG.206020000')

  refused(await server.call('GET', paths.member, { token: old }), 401, 'USG.206020000')
  refused(await logIn(account, 'good-pass-1'), 401, 'USG.206010000')
  const login = done(await logIn(account, 'better-pass-2'))
  assert.deepEqual([login.firstLogin, login.pwdExpired], [false, false])
  for (const to of [phone, email])
    await until(async () => (await templatesTo(to)).includes('password-changed'))
})

test('a user is an account, a number or a mailbox, and an account chooses the contact', async () => {
  const { account, phone, email } = await newMember()
  for (const [user, method, to] of [
    [phone, undefined, phone],
    [email, undefined, email],
    [account, 'email', email],
    [account, 'sms', phone],
  ] as const) {
    const { sent, token } = await proved(user, to, method)
    const mask = to === phone ? `${phone.slice(0, 6)}****${phone.slice(-4)}` : 'for****-ful@corp.example.com'
    assert.equal(to === phone ? sent.bindPhone : sent.bindEmail, mask)
    assert.equal(to === phone ? sent.bindEmail : sent.bindPhone, null)
    done(await call(set, { user, newPwd: `next-${method}-pass-${to.length}` }, token))
  }
})

test('a temporary password lets its member change it, and do nothing else', async () => {
  const { account, phone } = await newMember()
  const { token } = await proved(account, phone)
  done(await call(set, { user: account, newPwd: 'passing-pass-2', passWordType: 1 }, token))
  const login = done(await logIn(account, 'passing-pass-2'))
  assert.deepEqual([login.firstLogin, login.pwdExpired], [true, true])
  const barred = String(login.accessToken)
  refused(await server.call('GET', paths.member, { token: barred }), 403, 'USG.000000009')
  const again = { account, oldPwd: 'passing-pass-2', newPwd: 'passing-pass-2' }
  refused(await call(change, again, barred), 400, 'USG.000000003')
  done(await call(change, { ...again, newPwd: 'lasting-pass-3' }, barred))
  refused(await server.call('GET', paths.member, { token: barred }), 401, 'USG.206020000')
  const free = String(done(await logIn(account, 'lasting-pass-3')).accessToken)
  assert.equal((await server.call('GET', paths.member, { token: free })).status, 200)
})

test('a member changes the own password only, by the old one', async () => {
  const { account } = await newMember()
  const other = await newMember()
  const login = done(await logIn(account, 'good-pass-1'))
  const token = String(login.accessToken)
  const body = { account, oldPwd: 'good-pass-1', newPwd: 'next-pass-2' }
  refused(await call(change, body), 401, 'USG.206020000')
  refused(await call(change, { ...body, account: other.account }, token), 400, 'USG.000000003')
  refused(await call(change, { ...body, newPwd: 'aaaa1111' }, token), 400, 'USG.201040016')
  refused(await call(change, { ...body, newPwd: 'trustno1' }, token), 400, 'USG.201040016')
  for (let i = 0; i < 5; i++)
    refused(await call(change, { ...body, oldPwd: `wrong-${i}` }, token), 400, 'USG.206010000')
  refused(await call(change, body, token), 423, 'USG.206030015')
})

test('an administrator’s reset sends a temporary password to the member, and shows it to nobody', async () => {
  const { account, phone, email } = await newMember()
  const old = String(done(await logIn(account, 'good-pass-1')).accessToken)
  const answer = await call(reset, { account }, root)
  assert.equal(answer.text, '{}')
  refused(await server.call('GET', paths.member, { token: old }), 401, 'USG.206020000')
  let password = ''
  await until(async () => {
    const mail = (await server.inbox(email)).find(({ template }) => template === 'temporary-password')
    password = /[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}/.exec(mail?.text ?? '')?.[0] ?? ''
    return password !== ''
  })
  await until(async () => (await templatesTo(phone)).includes('password-changed'))
  assert.ok(!(await templatesTo(phone)).includes('temporary-password'))
  assert.equal(done(await logIn(account, password)).pwdExpired, true)

  refused(await call(reset, { account: 'nobody-here' }, root), 400, 'USG.201040000')
  refused(await call(reset, { account }, await server.logIn('plain')), 403, 'USG.000000008')
  for (let i = 0; i < 4; i++) done(await call(reset, { account }, root))
  refused(await call(reset, { account }, root), 400, 'USG.206060008')
})

test('a new member without a password gets a temporary one, unless nobody is to be told', async () => {
  const { account, email } = await newMember({ pwd: undefined, sendNotify: undefined })
  let text = ''
  await until(async () => {
    text = (await server.inbox(email)).find(({ template }) => template === 'temporary-password')?.text ?? ''
    return text !== ''
  })
  const password = /[a-z2-9]{4}-[a-z2-9]{4}-[a-z2-9]{4}/.exec(text)![0]
  assert.equal(done(await logIn(account, password)).firstLogin, true)
  const silent = await newMember({ pwd: undefined })
  assert.deepEqual(await server.inbox(silent.email), [])
  refused(await logIn(silent.account, 'good-pass-1'), 401, 'USG.206010000')
})

test('a puzzle is solved once, by its user, in its place, not too quickly, within five tries', async () => {
  const [first, second] = [await newPuzzle('someone'), await newPuzzle('someone')]
  assert.notEqual(first.token, second.token)
  refused(await call(solve, { ...first, token: undefined }), 400, 'USG.206010010')
  refused(await call(solve, { ...first, user: 'somebody' }), 400, 'USG.206060010')
  refused(await call(solve, { ...first, checkType: 0 }), 400, 'USG.206060010')
  for (const wrong of [
    { pointX: first.pointX + 12 },
    { pointX: first.pointX - 12 },
    { slideTime: 99 },
    { slideTime: 180_001 },
  ])
    refused(await call(solve, { ...first, ...wrong }), 400, 'USG.206010012')
  const solved = String(done(await call(solve, { ...first, pointX: first.pointX + 3 })).token)
  refused(await call(solve, first), 400, 'USG.206060010')
  for (let i = 0; i < 5; i++) refused(await call(solve, { ...second, pointX: 0 }), 400, 'USG.206010012')
  refused(await call(solve, second), 400, 'USG.206060010')

  refused(await call(send, { user: 'someone' }), 400, 'USG.206060009')
  refused(await call(send, { user: 'someone', token: first.token }), 400, 'USG.206060010')
  refused(await call(send, { user: 'somebody', token: solved }), 400, 'USG.206060010')
  const toLogIn = String(done(await call(solve, await newPuzzle('someone', 0))).token)
  refused(await call(send, { user: 'someone', token: toLogIn }), 400, 'USG.206060010')
  const both = await Promise.all([1, 2].map(() => call(send, { user: 'someone', token: solved })))
  assert.deepEqual(both.map(({ status }) => status).toSorted(), [200, 400])
})

test('A-1: somebody unknown gets the same answers, and no code that is right', async () => {
  const forms = (answer: Answer) =>
    `${answer.status} ${answer.text
      .replace(/"(request_id|token|shadowImage|cutImage)":"[^"]*"/g, '"$1":"…"')
      .replace(/"pointY":\d+/, '"pointY":0')
      .replace(/\+\d{5}\*{4}\d{4}/, '+…')
      .replace(/"[^"*]{0,3}\*{4}[^"@]{0,4}@[^"]*"/, '"…@…"')
      .replace(/\d+ 秒/, 'n 秒')}`
  const told = async (user: string, sendMethod?: string) => {
    const answers = [await call(puzzle, { user, clientType: 0, checkType: 1 })]
    for (let i = 0; i < 2; i++)
      answers.push(await call(send, { user, token: await solved(user), sendMethod }))
    for (let i = 0; i < 6; i++) answers.push(await call(check, { user, code: `99999${i}` }))
    answers.push(await call(set, { user, newPwd: 'some-pass-1' }, `c${'A'.repeat(32)}`))
    return answers.map(forms)
  }
  for (const [pick, unknown, sendMethod] of [
    ['account', 'forget-998-ful', 'sms'],
    ['account', 'forget-999-ful', 'email'],
    ['phone', newNumber(), undefined],
    ['email', 'for998get-me-ful@corp.example.com', undefined],
  ] as const) {
    const kinds = { known: {}, 'without a password': { pwd: undefined }, stopped: { status: 1 } }
    const [expected, ...all] = await Promise.all([
      told(unknown, sendMethod),
      ...Object.values(kinds).map(async (more) => told((await newMember(more))[pick], sendMethod)),
    ])
    for (const [nth, kind] of Object.keys(kinds).entries())
      assert.deepEqual(all[nth], expected, `${pick}, ${kind}`)
  }
})

test('N-7: codes of other purposes never serve, and these serve nothing else', async () => {
  const { account, phone } = await newMember()
  const login = String(done(await logIn(account, 'good-pass-1')).accessToken)
  const sent = await server.call('POST', paths.send, { token: login, body: { contact: phone } })
  assert.equal(sent.status, 200, sent.text)
  const own = await codeFor(phone)
  refused(await call(check, { user: phone, code: own }), 400, 'USG.206030001')
  done(await call(send, { user: phone, token: await solved(phone) }))
  const forReset = await codeFor(phone)
  const verified = await server.call('POST', paths.verify, {
    token: login,
    body: { contact: phone, verificationCode: forReset },
  })
  refused(verified, 400, 'USG.206030001')
  done(await call(check, { user: phone, code: forReset }))
  refused(await call(check, { user: phone, code: forReset }), 400, 'USG.206030001')
})

test('A-9: strangers who type wrong codes, or ask for codes, keep the owner from nothing', async () => {
  const { account, phone, password } = await newMember()
  done(await logIn(account, password)) // so the owner’s network is used
  done(await call(send, { user: account, token: await solved(account) }))
  const code = await codeFor(phone)
  for (let nth = 0; nth < 12; nth++)
    for (const user of [account, phone]) {
      const guess = await call(check, { user, code: '000000' }, undefined, `198.51.100.${nth % 4}`)
      assert.equal(guess.status, 400)
    }
  // The most codes that others may ask for, and one more.
  const asked = []
  for (let nth = 0; nth < 7; nth++) {
    const answer = await call(
      send,
      { user: phone, token: await solved(phone) },
      undefined,
      `198.51.101.${nth}`,
    )
    asked.push(answer.status)
  }
  assert.ok(asked.includes(400) && asked.includes(200), asked.join())
  const { token } = done(await call(check, { user: account, code }))
  done(await call(set, { user: account, newPwd: 'owners-pass-2' }, String(token)))
  done(await call(send, { user: account, token: await solved(account) }))
  assert.equal((await logIn(account, 'owners-pass-2')).status, 200)
})

test('A-12: a network enters 120 codes an hour without a login, for whomever', async () => {
  const answers = await Promise.all(
    Array.from({ length: 140 }, (_, nth) =>
      once(check, { user: `nobody-${nth}`, code: '000000' }, undefined, '198.51.102.1'),
    ),
  )
  const of = (code: string) => answers.filter(({ json }) => json.error_code === code).length
  // Those that a busy machine refused may have counted.
  const busy = of('USG.000000001')
  const compared = of('USG.206030001')
  assert.ok(compared <= 120 && compared + busy >= 120, `${compared} and ${busy}`)
  assert.equal(of('USG.206030019'), 140 - compared - busy)
})

test('who forgot the password and typed wrong ones may log in after the reset', async () => {
  const { account, phone } = await newMember()
  for (let nth = 0; nth < 5; nth++) refused(await logIn(account, `wrong-${nth}`), 401, 'USG.206010000')
  refused(await logIn(account, 'good-pass-1'), 423, 'USG.206030015')
  const { token } = await proved(account, phone)
  done(await call(set, { user: account, newPwd: 'better-pass-2' }, token))
  done(await logIn(account, 'better-pass-2'))
})

test('of many who set a password by one token at once, one does', async () => {
  const { account, phone } = await newMember()
  const { token } = await proved(account, phone)
  const all = await Promise.all(
    Array.from({ length: 6 }, (_, nth) => call(set, { user: account, newPwd: `racing-pass-${nth}` }, token)),
  )
  assert.equal(all.filter(({ status }) => status === 200).length, 1)
  for (const answer of all) if (answer.status !== 200) refused(answer, 401, 'USG.206020000')
})

test('A-12: of a flood of puzzles few are drawn at once, and the others are refused at once', async () => {
  const [phone, token] = [newNumber(), await server.logIn('patient')]
  const flood = Array.from({ length: 400 }, (_, nth) =>
    once(puzzle, { user: `u${nth}`, clientType: 0, checkType: 1 }, undefined, `203.0.113.${nth % 200}`),
  )
  const sent = await server.call('POST', paths.send, { token, body: { contact: phone } })
  assert.equal(sent.status, 200, sent.text)
  const answers = await Promise.all(flood)
  const drawn = answers.filter(({ status }) => status === 200).length
  assert.ok(drawn > 0 && drawn < 400, `${drawn} were drawn`)
  for (const answer of answers)
    if (answer.status !== 200) {
      refused(answer, 500, 'USG.000000001')
      assert.equal(answer.headers.get('retry-after'), '1')
    }
})

test('every call of the table was answered', () => {
  assert.deepEqual([...answered].sort(), Object.keys(passwordAnswerFields).sort())
})

test('the operator sets a password from a pipe, or has a temporary one made', async () => {
  const { account, email } = await newMember()
  const command = (...args: string[]) => [
    'member',
    'set-password',
    account,
    '--tenant',
    'demo',
    '--data',
    server.dataFolder,
    ...args,
  ]
  const old = String(done(await logIn(account, 'good-pass-1')).accessToken)
  const piped = await run(command(), {
    env: server.env,
    readInput: async () => Buffer.from('operators-choice-1\n'),
  })
  assert.equal(piped.code, 0, piped.err)
  assert.match(piped.out, /2 notices are on the way/)
  assert.ok(!piped.out.includes('operators-choice-1'))
  await until(async () => (await server.call('GET', paths.member, { token: old })).status === 401)
  assert.equal(done(await logIn(account, 'operators-choice-1')).pwdExpired, false)
  await until(async () => (await templatesTo(email)).includes('password-changed'))

  const made = await run(command('--temporary', '--json'), { env: server.env })
  const { password } = JSON.parse(made.out) as { password: string }
  await until(async () => (await logIn(account, password)).json.pwdExpired === true)
  for (const [input, told] of [
    ['aaaa1111\n', /8 to 32 characters/],
    ['', /on standard input/],
  ] as const) {
    const answer = await run(command(), { env: server.env, readInput: async () => Buffer.from(input) })
    assert.equal(answer.code, 2, answer.err)
    assert.match(answer.err, told)
  }
})
