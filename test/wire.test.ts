/** The Huawei Cloud Meeting wire, row by row of its contract, over HTTP against the real server. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type Answer, appLogin, newNumber, paths, type Server, startServer } from './server.ts'

let server: Server
/** The same with a gap of a second between two codes to an address, so that tests need not wait; takes long signatures. */
let quick: Server
before(async () => {
  const env = {
    COUNTERSIGN_POLICY_LIMITS_ISSUES_ADDRESS_GAPS: '1s',
    COUNTERSIGN_POLICY_ALLOWS_LONG_SIGNATURES: 'true',
  }
  ;[server, quick] = await Promise.all([startServer(), startServer({ env })])
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await quick[Symbol.asyncDispose]()
})

function refused(answer: Answer, status: number, code: string): void {
  assert.equal(`${answer.status} ${answer.json.error_code}`, `${status} ${code}`, answer.text)
  assert.deepEqual(Object.keys(answer.json), ['error_code', 'error_msg', 'request_id'])
  for (const value of Object.values(answer.json)) assert.ok(typeof value === 'string' && value !== '')
  assert.equal(answer.json.request_id, answer.headers.get('x-request-id'))
}

function accepted(answer: Answer): void {
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.text, '{}')
  assert.equal(answer.headers.get('content-type'), 'application/json;charset=UTF-8')
}

async function send(token: string, contact: string, more: Record<string, unknown> = {}): Promise<Answer> {
  return server.call('POST', paths.send, { token, body: { contact, ...more } })
}

test('a code is sent, arrives, and is right once', async () => {
  const token = await server.logIn('first')
  const contact = newNumber()
  accepted(await send(token, contact))
  const verificationCode = await server.codeFor(contact)
  assert.match(verificationCode, /^\d{6}$/)
  accepted(await server.call('POST', paths.verify, { token, body: { contact, verificationCode } }))
})

test('the whole change: prove a current contact, then store the new one', async () => {
  const token = await quick.logIn('changer')
  const ask = (contact: string) => quick.call('POST', paths.send, { token, body: { contact } })
  const withCode = async (method: string, path: string, contact: string) =>
    quick.call(method, path, { token, body: { contact, verificationCode: await quick.codeFor(contact) } })
  const phone = newNumber()
  accepted(await ask(phone))
  accepted(await withCode('PUT', paths.contact, phone)) // the first contact needs no proof

  const email = 'Changer@example.com'
  accepted(
    await quick.call('POST', paths.send, { token, body: { contact: 'Changer@EXAMPLE.com', country: 'usa' } }),
  )
  refused(await withCode('PUT', paths.contact, email), 400, 'USG.201040042')
  await new Promise((resolve) => setTimeout(resolve, 1100))
  accepted(await ask(phone))
  accepted(await withCode('POST', paths.verify, phone))
  accepted(await withCode('POST', paths.verify, email)) // does not use the new contact's code up
  accepted(await withCode('PUT', paths.contact, email))
  refused(await withCode('PUT', paths.contact, email), 400, 'USG.206030001')

  const shown = (await quick.call('GET', paths.member, { token })).json
  assert.equal(shown.phone, phone)
  assert.equal(shown.country, 'chinaPR')
  assert.equal(shown.email, email)
})

test("the reference's own cURL sample, trailing comma kept, is taken", async () => {
  const token = await server.logIn('pasted')
  const body = `{
"contact": "${newNumber()}",
"country": "chinaPR",
}`
  accepted(await server.call('POST', paths.send, { token, body }))
  for (const bad of [
    "{'contact':'+8613800138000'}",
    '{"contact":"+8613800138000"/* x */}',
    '{"contact":',
    '',
    '[]',
    'null',
    '7',
  ])
    assert.equal(
      (await server.call('POST', paths.send, { token, body: bad })).json.error_code,
      'USG.000000003',
      bad,
    )
})

test('a code in the body of the send path is checked and nothing is sent', async () => {
  const token = await server.logIn('scenario')
  const contact = newNumber()
  accepted(await send(token, contact, { verificationCode: '' }))
  const code = await server.codeFor(contact)
  refused(
    await send(token, contact, { verificationCode: code === '000000' ? '000001' : '000000' }),
    400,
    'USG.206030001',
  )
  accepted(await send(token, contact, { verificationCode: code }))
  assert.equal((await server.inbox(contact)).length, 1)
})

test('verify and update demand a code', async () => {
  const token = await server.logIn('empty')
  for (const [method, path] of [
    ['POST', paths.verify],
    ['PUT', paths.contact],
  ] as const)
    for (const body of [
      { contact: newNumber() },
      { contact: newNumber(), verificationCode: '' },
      { contact: newNumber(), verificationCode: null },
    ])
      refused(await server.call(method, path, { token, body }), 400, 'USG.206010011')
})

test('every bad parameter is a 400 that names it', async () => {
  const token = await server.logIn('bad-input')
  const cases: [unknown, string, string][] = [
    [{}, 'USG.000000003', 'contact'],
    [{ contact: null }, 'USG.000000003', 'contact'],
    [{ contact: 8613800138000 }, 'USG.000000003', 'contact'],
    [{ contact: '' }, 'USG.000000003', 'contact'],
    [{ contact: 'a'.repeat(256) }, 'USG.000000003', 'contact'],
    [{ contact: ['+8613800138000'] }, 'USG.000000003', 'contact'],
    [{ contact: '+8613800138000', country: 86 }, 'USG.000000003', 'country'],
    [{ contact: '+8613800138000', country: 'x'.repeat(256) }, 'USG.000000003', 'country'],
    [{ contact: '+8613800138000', verificationCode: 123456 }, 'USG.000000003', 'verificationCode'],
    [{ contact: '13800138000' }, 'USG.000000003', 'contact'],
    [{ contact: '+86 138 0013 8000' }, 'USG.000000003', 'contact'],
    [{ contact: '+86138001380' }, 'USG.000000003', 'contact'],
    [{ contact: '+861380013800*' }, 'USG.000000003', 'contact'],
    [{ contact: '+8613800138000;ext=5' }, 'USG.000000003', 'contact'],
    [{ contact: 'a@b, c@d.example' }, 'USG.000000003', 'contact'],
    [{ contact: 'a@example.com\r\nBcc: b@example.com' }, 'USG.000000003', 'contact'],
    [{ contact: '+8613800138000', country: 'atlantis' }, 'USG.201040025', ''],
    [{ contact: '+8613800138000', country: 'usa' }, 'USG.201040025', ''],
    [{ contact: '+12423591234', country: 'usa' }, 'USG.201040025', ''],
    [{ contact: '+12025550123' }, 'USG.201040025', ''],
  ]
  for (const [body, code, field] of cases) {
    const answer = await server.call('POST', paths.send, {
      token,
      body,
      headers: { 'Accept-Language': 'en-US' },
    })
    refused(answer, 400, code)
    assert.match(String(answer.json.error_msg), new RegExp(field), JSON.stringify(body))
  }
  assert.deepEqual(await server.inbox('b@example.com'), [])
})

test('unknown fields, other content types and other countries are taken', async () => {
  const token = await server.logIn('lenient')
  accepted(await send(token, '+12015550123', { country: 'usa', extra: { deep: [1] } }))
  accepted(
    await server.call('POST', paths.send, {
      token,
      body: JSON.stringify({ contact: newNumber(), country: '' }),
      headers: { 'Content-Type': 'text/plain' },
    }),
  )
  accepted(
    await server.call('POST', paths.send, {
      headers: { 'X-Auth-Token': token },
      body: { contact: newNumber(), country: null },
    }),
  )
})

test('the request id is echoed if it is one, and made otherwise, on every answer', async () => {
  const token = await server.logIn('ids')
  for (const path of [paths.member, '/nowhere'])
    for (const [given, isEchoed] of [
      ['abc-DEF_123', true],
      ['x'.repeat(64), true],
      ['x'.repeat(65), false],
      ['a b', false],
      ['a<b', false],
    ] as const) {
      const id =
        (await server.call('GET', path, { token, headers: { 'X-Request-Id': given } })).headers.get(
          'x-request-id',
        ) ?? ''
      if (isEchoed) assert.equal(id, given)
      else assert.match(id, /^[0-9a-f]{32}$/)
    }
})

test('messages come in the language asked for, Chinese by default', async () => {
  const cases: [string, RegExp][] = [
    ['en-US', /access token/],
    ['en-GB,en;q=0.9', /access token/],
    ['EN', /access token/],
    ['zh-CN', /访问令牌/],
    ['fr-FR', /访问令牌/],
    ['fr, en;q=0.5, zh;q=0.8', /访问令牌/],
    ['fr, en;q=0.8, zh;q=0.5', /access token/],
    ['en;q=0', /访问令牌/],
    ['', /访问令牌/],
    [';;;,,,q=', /访问令牌/],
  ]
  for (const [language, pattern] of cases) {
    const answer = await server.call('GET', paths.member, { headers: { 'Accept-Language': language } })
    refused(answer, 401, 'USG.206020000')
    assert.match(String(answer.json.error_msg), pattern, language)
  }
  const token = await server.logIn('languages')
  const [zh, en] = [newNumber(), newNumber()]
  await send(token, zh)
  await server.call('POST', paths.send, {
    token,
    body: { contact: en },
    headers: { 'Accept-Language': 'en-US' },
  })
  await server.codeFor(zh)
  await server.codeFor(en)
  assert.match((await server.inbox(zh))[0]!.text, /验证码/)
  assert.match((await server.inbox(en))[0]!.text, /verification code/)
})

test('unknown paths and methods answer in the same shape', async () => {
  refused(await server.call('GET', '/nowhere'), 404, 'USG.000000006')
  refused(await server.call('GET', paths.send), 405, 'USG.000000007')
  const ofParameter = await server.call('GET', '/v1/usg/dcs/corp/dept/some')
  refused(ofParameter, 405, 'USG.000000007')
  assert.equal(ofParameter.headers.get('allow'), 'DELETE, PUT')
  const answer = await server.call('PATCH', paths.member)
  refused(answer, 405, 'USG.000000007')
  assert.equal(answer.headers.get('allow'), 'GET, HEAD, PUT')
})

test('answers carry the headers of the reference and those a browser expects', async () => {
  const { headers } = await server.call('GET', '/nowhere')
  assert.equal(headers.get('cache-control'), 'no-cache')
  assert.equal(headers.get('pragma'), 'No-cache')
  assert.equal(headers.get('x-content-type-options'), 'nosniff')
  assert.match(headers.get('content-security-policy') ?? '', /default-src 'none'/)
})

test('without a live token nothing is done', async () => {
  for (const headers of [
    {},
    { 'X-Access-Token': '' },
    { 'X-Access-Token': 'x'.repeat(40) },
    { 'X-Auth-Token': 'nobody' },
  ])
    for (const [method, path] of [
      ['POST', paths.send],
      ['POST', paths.verify],
      ['PUT', paths.contact],
      ['GET', paths.member],
      ['PUT', paths.member],
      ['PUT', paths.token],
      ['DELETE', paths.token],
    ] as const)
      refused(
        await server.call(method, path, {
          headers,
          ...(method === 'POST' && { body: { contact: newNumber() } }),
        }),
        401,
        'USG.206020000',
      )
})

test('App ID login: signatures, forms and refusals', async () => {
  const { app } = server
  const logIn = (
    login: Parameters<typeof appLogin>[1],
    change: { headers?: Record<string, string>; body?: object } = {},
  ) => {
    const made = appLogin(app, login)
    return server.call('POST', paths.appLogin, {
      headers: { ...made.headers, ...change.headers },
      body: { ...made.body, ...change.body },
    })
  }
  const answer = await logIn({ userId: '张三' })
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json.firstLogin, true)
  assert.match(String(answer.json.accessToken), /^[A-Za-z0-9]{36,40}$/)
  assert.equal((answer.json.user as Record<string, unknown>).ucloginAccount, '张三')
  for (const field of [
    'tokenIp',
    'validPeriod',
    'expireTime',
    'createTime',
    'clientType',
    'forceLoginInd',
    'pwdExpired',
    'daysPwdAvailable',
    'tokenType',
    'refreshToken',
    'refreshValidPeriod',
    'refreshExpireTime',
    'refreshCreateTime',
  ])
    assert.ok(field in answer.json, field)
  const seconds = Number(answer.json.expireTime) - Date.now() / 1000
  assert.ok(seconds > 12 * 3600 && seconds <= 24 * 3600 + 5)
  assert.ok(Math.abs(Number(answer.json.createTime) - Date.now()) < 60_000)

  assert.equal((await logIn({ userId: '张三' })).json.firstLogin, false)
  const administrator = await logIn({})
  assert.equal((administrator.json.user as Record<string, unknown>).ucloginAccount, server.admin.account)
  assert.equal((administrator.json.user as Record<string, unknown>).adminType, 0)
  assert.equal((await logIn({ userId: 'sp', corpId: 'demo' })).status, 200)
  assert.equal((await logIn({ userId: 'sp', corpId: '' })).status, 200)
  assert.equal(
    (
      await logIn(
        { userId: 'upper' },
        {
          headers: {
            Authorization: appLogin(app, {
              userId: 'upper',
              nonce: 'n'.repeat(32),
            }).headers.Authorization.replace(/[0-9a-f]{64}/, (hex) => hex.toUpperCase()),
          },
          body: { nonce: 'n'.repeat(32) },
        },
      )
    ).status,
    200,
  )

  const access = (id: string) => Buffer.from(id).toString('base64')
  const signed = appLogin(app, { userId: 'access' })
  for (const [id, status] of [
    [app.id, 200],
    ['another', 401],
  ] as const)
    assert.equal(
      (
        await server.call('POST', paths.appLogin, {
          ...signed,
          headers: { Authorization: `${signed.headers.Authorization},access=${access(id)}` },
        })
      ).status,
      status,
    )

  refused(await logIn({ userId: 'a' }, { body: { userId: 'b' } }), 401, 'USG.206010025')
  refused(await logIn({ userId: 'a' }, { body: { appId: 'f'.repeat(32) } }), 401, 'USG.206010025')
  refused(await logIn({ userId: 'a' }, { headers: { Authorization: 'Basic abc' } }), 401, 'USG.206010025')
  refused(await logIn({ userId: 'a', corpId: 'elsewhere' }), 401, 'USG.206010025')
  refused(await logIn({ userId: 'a', expireTime: 1_627_722_929 }), 401, 'USG.206010057')
  refused(await logIn({ userId: 'a', nonce: 'short' }), 400, 'USG.000000003')
  refused(await logIn({ userId: 'a' }, { body: { clientType: '72' } }), 400, 'USG.000000003')
})

test('A-11: a field of a signature with a colon, a control character or half a character is refused by name', async () => {
  const seconds = Math.floor(Date.now() / 1000) + 3600
  const nonce = 'n'.repeat(32)
  const logIn = async (login: Parameters<typeof appLogin>[1], body: object = {}) => {
    const made = appLogin(server.app, { expireTime: seconds, nonce, ...login })
    return server.call('POST', paths.appLogin, { ...made, body: { ...made.body, ...body } })
  }
  const namesField = (answer: Answer, field: string) => {
    refused(answer, 400, 'USG.000000003')
    assert.ok(String(answer.json.error_msg).includes(` ${field} `), answer.text)
  }
  for (const userId of [':0', 'bob:0', 'demo:admin@demo', 'a\u0000b', 'a\nb', 'a\u007f', '\u0085', '\ud800'])
    namesField(await logIn({ userId }), 'userId')
  namesField(await logIn({ userId: 'bob', corpId: 'demo:x' }), 'corpId')
  namesField(await logIn({ userId: 'bob', nonce: `${nonce}:1` }), 'nonce')
  // Refused before the signature is compared, so that a caller without the key gets the same answer.
  namesField(await logIn({ userId: 'bob' }, { appId: 'a:b' }), 'appId')
  // Signed for one person in the longer form, it must not log in the default administrator in the shorter one.
  const { headers } = appLogin(server.app, { corpId: '', userId: '13800138000', expireTime: seconds, nonce })
  const body = {
    appId: server.app.id,
    clientType: 72,
    expireTime: 13_800_138_000,
    nonce: `${seconds}:${nonce}`,
  }
  namesField(await server.call('POST', paths.appLogin, { headers, body }), 'nonce')
})

test('a signature for more than seven days, or for ever, is refused unless the app allows it', async () => {
  const day = 86_400
  const logIn = (at: Server, expireTime: number) =>
    at.call('POST', paths.appLogin, appLogin(at.app, { userId: 'long', expireTime }))
  const now = Math.floor(Date.now() / 1000)
  assert.equal((await logIn(server, now + 7 * day - 60)).status, 200)
  for (const long of [now + 7 * day + 60, 13_800_138_000, 0]) {
    const answer = await logIn(server, long)
    refused(answer, 400, 'USG.000000003')
    assert.ok(String(answer.json.error_msg).includes(' expireTime '))
    assert.equal((await logIn(quick, long)).status, 200)
  }
  // Said to holders of the key alone.
  const { headers, body } = appLogin({ id: server.app.id, key: 'another' }, { expireTime: 0 })
  refused(await server.call('POST', paths.appLogin, { headers, body }), 401, 'USG.206010025')
})

test('account login: right, wrong, and locked after five wrong passwords', async () => {
  const { account, password } = server.member
  const logIn = (name: string, secret: string, bodyName = name) =>
    server.call('POST', paths.accountLogin, {
      headers: { Authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` },
      body: { account: bodyName, clientType: 72, createTokenType: 0 },
    })
  assert.equal((await logIn(account, password)).status, 200)
  refused(await logIn(`${account}:x`, password), 401, 'USG.206010000')
  refused(await logIn(account, password, 'another'), 401, 'USG.206010000')
  for (const name of [account, 'nobody@demo']) {
    for (let i = 0; i < 5; i++) refused(await logIn(name, 'wrong'), 401, 'USG.206010000')
    const locked = await logIn(name, name === account ? password : 'wrong')
    refused(locked, 423, 'USG.206030015')
    assert.ok(Number(locked.headers.get('retry-after')) <= 60)
  }
})

test('tokens: validate, refresh, log out', async () => {
  const { headers, body } = appLogin(server.app, { userId: 'tokens' })
  const first = (await server.call('POST', paths.appLogin, { headers, body })).json
  const token = String(first.accessToken)
  for (const path of [paths.validate, paths.validate.replace('v1', 'v2')]) {
    const valid = await server.call('POST', path, {
      body: { token, needGenNewToken: false, needAccountInfo: true },
    })
    assert.equal(valid.json.accessToken, token)
    refused(await server.call('POST', path, { body: { token: 'x'.repeat(40) } }), 401, 'USG.000000004')
  }
  const jsonType = { 'Content-Type': 'application/json' } // the official Node SDK sends it without a body
  const isLive = async (one: unknown) =>
    (await server.call('GET', paths.member, { token: String(one), headers: jsonType })).status === 200
  const refresh = (one: unknown) => server.call('PUT', paths.token, { token: String(one), headers: jsonType })
  const second = await refresh(first.refreshToken)
  assert.equal(second.status, 200, second.text)
  assert.ok(await isLive(token), 'all four SDKs keep the token they logged in with')
  const third = await refresh(second.json.accessToken) // as older editions do
  const live = String(third.json.accessToken)
  const renewed = await server.call('POST', paths.validate, { body: { token: live, needGenNewToken: true } })
  const last = String(renewed.json.accessToken)
  assert.notEqual(last, live)
  for (const one of [token, second.json.accessToken, live, last]) assert.ok(await isLive(one))
  accepted(await server.call('DELETE', paths.token, { token: last, headers: jsonType }))
  for (const one of [token, second.json.accessToken, live, last]) assert.ok(!(await isLive(one)))
  refused(await refresh(renewed.json.refreshToken), 401, 'USG.206020000')
})

test('A-14: of many uses of a refresh token one is answered, and the second ends the login', async () => {
  const logIn = async () =>
    (await server.call('POST', paths.appLogin, appLogin(server.app, { userId: 'reused' }))).json
  const [stolen, other] = [await logIn(), await logIn()]
  const headers = { 'X-Request-Id': 'the-same-call' } // a repeat is a second use as well
  const uses = await Promise.all(
    Array.from({ length: 8 }, () =>
      server.call('PUT', paths.token, { token: String(stolen.refreshToken), headers }),
    ),
  )
  const won = uses.filter(({ status }) => status === 200)
  assert.equal(won.length, 1)
  for (const use of uses) if (use !== won[0]) refused(use, 401, 'USG.206020000')
  for (const token of [stolen.accessToken, won[0]!.json.accessToken])
    refused(await server.call('GET', paths.member, { token: String(token) }), 401, 'USG.206020000')
  refused(
    await server.call('PUT', paths.token, { token: String(won[0]!.json.refreshToken) }),
    401,
    'USG.206020000',
  )
  assert.equal((await server.call('GET', paths.member, { token: String(other.accessToken) })).status, 200)
})

test('A-14: what one login proved, another of the same member cannot use', async () => {
  const [own, stolen] = [await quick.logIn('proving'), await quick.logIn('proving')]
  const ask = async (token: string, contact: string) =>
    accepted(await quick.call('POST', paths.send, { token, body: { contact } }))
  const withCode = async (token: string, method: string, path: string, contact: string) =>
    quick.call(method, path, { token, body: { contact, verificationCode: await quick.codeFor(contact) } })
  const [phone, next] = [newNumber(), newNumber()]
  await ask(own, phone)
  accepted(await withCode(own, 'PUT', paths.contact, phone))
  await new Promise((resolve) => setTimeout(resolve, 1100))
  await ask(own, phone)
  accepted(await withCode(own, 'POST', paths.verify, phone))
  await ask(stolen, next)
  refused(await withCode(stolen, 'PUT', paths.contact, next), 400, 'USG.201040042')
  // The login that proved may use it, also once it was refreshed.
  const refreshed = await quick.call('PUT', paths.token, { token: own })
  accepted(await withCode(String(refreshed.json.accessToken), 'PUT', paths.contact, next))
})

test('the 65th login of an API client evicts the oldest, and other clients hold one', async () => {
  const tokens: string[] = []
  for (let i = 0; i < 65; i++) tokens.push(await server.logIn('many'))
  refused(await server.call('GET', paths.member, { token: tokens[0]! }), 401, 'USG.206020000')
  assert.equal((await server.call('GET', paths.member, { token: tokens[1]! })).status, 200)
  assert.equal((await server.call('GET', paths.member, { token: tokens[64]! })).status, 200)
  const web = async () => {
    const { headers, body } = appLogin(server.app, { userId: 'many', clientType: 0 })
    return String((await server.call('POST', paths.appLogin, { headers, body })).json.accessToken)
  }
  const [one, two] = [await web(), await web()]
  refused(await server.call('GET', paths.member, { token: one }), 401, 'USG.206020000')
  const refreshed = await server.call('PUT', paths.token, { token: two })
  for (const token of [two, String(refreshed.json.accessToken)])
    assert.equal((await server.call('GET', paths.member, { token })).status, 200)
})

test('a member shows and changes their own data', async () => {
  const token = await server.logIn('profile')
  accepted(
    await server.call('PUT', paths.member, {
      token,
      body: {
        name: '李四',
        englishName: 'Li Si',
        signature: 's',
        title: 't',
        desc: 'd',
        phone: '+8613800138000',
      },
    }),
  )
  const shown = (await server.call('GET', paths.member, { token })).json
  const { id: _, ...rest } = shown
  assert.deepEqual(rest, {
    userAccount: 'profile',
    name: '李四',
    englishName: 'Li Si',
    phone: null,
    country: null,
    email: null,
    sipNum: null,
    vmrList: [],
    deptCode: '1',
    deptName: null,
    deptNamePath: null,
    userType: 2,
    adminType: 2,
    signature: 's',
    title: 't',
    desc: 'd',
    corp: {
      id: 'demo',
      name: 'Demo',
      address: null,
      adminName: null,
      account: null,
      phone: null,
      country: null,
      email: null,
      enableSMS: null,
      enableCloudDisk: null,
      enablePstn: null,
      autoUserCreate: true,
      corpType: null,
    },
    function: { enableRoom: false },
    devType: null,
    status: 0,
    sortLevel: 10000,
    hidePhone: false,
    visionAccount: null,
    thirdAccount: 'profile',
    license: null,
    activeTime: null,
  })
  for (const body of [
    {},
    { name: '' },
    { name: 'x'.repeat(65) },
    { name: 'x', title: 'x'.repeat(33) },
    { name: 'x', desc: 7 },
  ])
    refused(await server.call('PUT', paths.member, { token, body }), 400, 'USG.000000003')
})

test('a contact of another member is refused at update, not at send', async () => {
  const contact = newNumber()
  for (const userId of ['owner', 'other']) {
    const token = await quick.logIn(userId)
    accepted(await quick.call('POST', paths.send, { token, body: { contact } }))
    const verificationCode = await quick.codeFor(contact)
    const answer = await quick.call('PUT', paths.contact, { token, body: { contact, verificationCode } })
    if (userId === 'owner') accepted(answer)
    else refused(answer, 400, 'USG.206010065')
    await new Promise((resolve) => setTimeout(resolve, 1100))
  }
})

test('a second send within the gap says how long to wait', async () => {
  const token = await server.logIn('impatient')
  const contact = newNumber()
  accepted(await send(token, contact))
  const answer = await send(token, contact)
  refused(answer, 400, 'USG.206030004')
  const wait = Number(answer.headers.get('retry-after'))
  assert.ok(wait >= 58 && wait <= 60)
  assert.match(String(answer.json.error_msg), new RegExp(`${wait}`))
})

test('a repeat of the same successful call gets the same answer, anything else does not', async () => {
  const token = await server.logIn('repeater')
  const contact = newNumber()
  accepted(await send(token, contact))
  const body = { contact, verificationCode: await server.codeFor(contact) }
  const headers = { 'X-Request-Id': 'change-1' }
  accepted(await server.call('PUT', paths.contact, { token, headers, body }))
  accepted(await server.call('PUT', paths.contact, { token, headers, body }))
  refused(
    await server.call('PUT', paths.contact, { token, headers: { 'X-Request-Id': 'change-2' }, body }),
    400,
    'USG.206030001',
  )
  refused(
    await server.call('PUT', paths.contact, { token: await server.logIn('repeater'), headers, body }),
    400,
    'USG.206030001',
  )
})
