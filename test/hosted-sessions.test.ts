/** Sessions of the hosted page over HTTP: who makes them, what the page's calls may do, and the result that works once. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { solveChallenge } from 'altcha-lib/v1'
import { told } from './api.ts'
import { openShop, returnUrl, type Shop } from './hosted-page.ts'
import { newNumber } from './server.ts'

let shop: Shop & AsyncDisposable
before(async () => {
  shop = await openShop(
    'policy: { pages: { returnUrls: ["http://127.0.0.1/", "https://shop.example/done"] } }',
  )
})
after(() => shop?.[Symbol.asyncDispose]())

type PageVerification = { state: string; expires_in_s: number; to_masked: string }

/** A person enters a number and the code. @returns The result they come back with. */
async function verified(wishes: Record<string, unknown> = {}) {
  const to = newNumber()
  const session = await shop.session(wishes)
  const started = await shop.page(session.token, '/start', { to })
  assert.equal(started.status, 200, started.text)
  const token = started.json.token as string
  const checked = await shop.page(token, '/check', { code: await shop.server.codeFor(to) })
  assert.equal(checked.json.result, 'verified', checked.text)
  const url = new URL(checked.json.return_url as string)
  return { ...session, to, token, url, result: url.searchParams.get('result')! }
}

test('a person who enters number and code comes back with a result that tells the shop once', async () => {
  const { id, to, url, result, token } = await verified({ subject: 'u_42', metadata: { cart: '7' } })
  assert.equal(url.origin + url.pathname, 'http://127.0.0.1:9/done')
  assert.equal(url.searchParams.get('cart'), '7')
  const answer = await shop.call('/v1/sessions/redeem', { result })
  assert.equal(answer.status, 200, answer.text)
  const { session, verification } = answer.json as { session: string; verification: Record<string, unknown> }
  assert.equal(session, id)
  assert.equal(verification.state, 'used')
  assert.equal(verification.subject, 'u_42')
  assert.deepEqual(verification.metadata, { cart: '7' })
  assert.equal(verification.to_masked, `${to.slice(0, -8)}****${to.slice(-4)}`)
  const again = await shop.call('/v1/sessions/redeem', { result })
  assert.equal(again.status, 409)
  assert.equal(again.json.state, 'redeemed')
  assert.equal(
    ((await shop.page(token, '')).json.verification as PageVerification).state,
    'used',
    'the page that is loaded again',
  )
})

test('of a session one result is redeemed, whoever verifies more with its URL', async () => {
  const { token: first } = await shop.session()
  const results = []
  for (const to of [newNumber(), newNumber()]) {
    const { token } = (await shop.page(first, '/start', { to })).json as { token: string }
    const checked = await shop.page(token, '/check', { code: await shop.server.codeFor(to) })
    results.push(new URL(checked.json.return_url as string).searchParams.get('result')!)
  }
  const statuses = []
  for (const result of results) statuses.push((await shop.call('/v1/sessions/redeem', { result })).status)
  assert.deepEqual(statuses, [200, 409])
})

test('of any number of redemptions at once one wins', async () => {
  const { result } = await verified()
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => shop.call('/v1/sessions/redeem', { result })),
  )
  const statuses = answers.map(({ status }) => status).toSorted()
  assert.deepEqual(statuses, [200, ...Array.from({ length: 19 }, () => 409)])
})

test('a redemption that is repeated after a lost answer is answered again', async () => {
  const { result } = await verified()
  const headers = { 'idempotency-key': 'redeem-1' }
  const [one, two] = [
    await shop.call('/v1/sessions/redeem', { result }, headers),
    await shop.call('/v1/sessions/redeem', { result }, headers),
  ]
  assert.equal(one.status, 200, one.text)
  assert.equal(two.text, one.text)
  assert.equal(one.headers.get('idempotency-replayed'), null)
  assert.equal(two.headers.get('idempotency-replayed'), 'true')
  assert.equal((await shop.call('/v1/sessions/redeem', { result })).status, 409)
})

test('a session is made once for each idempotency key, and none of another body', async () => {
  const make = (more: object = {}) =>
    shop.call('/v1/sessions', { return_url: returnUrl, ...more }, { 'idempotency-key': 'a-session' })
  const [first, again] = [await make(), await make()]
  assert.deepEqual([again.text, again.headers.get('idempotency-replayed')], [first.text, 'true'])
  assert.equal(told(await make({ asks: 'phone' })), '422 idempotency-mismatch')
  assert.equal(told(await make({ holder: true })), '400 invalid-request')
})

test('nothing but a result of this app is redeemed, and the answers are alike', async () => {
  const { result, token } = await verified()
  const answers = []
  for (const forged of [token, `${result}A`, result.slice(0, -3), 'x', 'k20261130-aaaaaa.AAAA'])
    answers.push(await shop.call('/v1/sessions/redeem', { result: forged }))
  for (const { status, json } of answers)
    assert.deepEqual({ status, detail: json.detail }, { status: 404, detail: answers[0]!.json.detail })
})

test('a session sends people back to listed places only', async () => {
  for (const return_url of [returnUrl, 'https://shop.example/done?cart=7', 'http://127.0.0.1:5173/'])
    assert.equal((await shop.call('/v1/sessions', { return_url })).status, 201, return_url)
  for (const return_url of [
    'https://evil.example/done',
    'https://shop.example.evil.example/done',
    'https://shop.example/other',
    'http://shop.example/done',
    'http://localhost:5173/',
    'javascript:alert(1)',
    '//evil.example',
    'x',
  ]) {
    const answer = await shop.call('/v1/sessions', { return_url })
    assert.equal(answer.status, 400, return_url)
    assert.equal((answer.json.errors as { pointer: string }[])[0]!.pointer, '/return_url')
  }
})

test('the page of a session may be framed as listed, has no inline anything, and shows a lost one as such', async () => {
  const { url } = await shop.session({ locale: 'zh-Hans-CN', theme: 'dark' })
  const page = await fetch(url)
  assert.equal(page.status, 200)
  assert.match(await page.text(), /^<!doctype html>\n<html lang="zh-CN" data-theme="dark">/)
  assert.match(
    page.headers.get('content-security-policy')!,
    /^default-src 'none'; script-src 'self'; .*frame-ancestors 'none'$/,
  )
  assert.equal(page.headers.get('x-frame-options'), 'DENY')
  assert.equal(page.headers.get('cache-control'), 'no-store')
  const lost = await fetch(`${url}A`)
  assert.equal(lost.status, 404)
  assert.equal(lost.headers.get('x-frame-options'), 'DENY')
})

test('the calls of a page have the right of its token alone', async () => {
  const { token } = await shop.session()
  for (const [path, body] of [
    ['', undefined],
    ['/start', { to: newNumber() }],
    ['/check', { code: '123456' }],
  ] as const)
    for (const forged of [`${token}A`, 'x', encodeURIComponent(`${token}/..`)]) {
      const answer = await shop.page(forged, path, body)
      assert.equal(answer.status, 404, `${path} ${forged}`)
      assert.equal(answer.json.detail, 'There is no such session, or it is over.')
    }
  const unstarted = await shop.page(token, '/check', { code: '123456' })
  assert.equal(unstarted.json.detail, 'There is no such session, or it is over.')
})

test('a wrong code is refused without a reason, and reading changes nothing', async () => {
  const to = newNumber()
  const { token: first } = await shop.session()
  const { token } = (await shop.page(first, '/start', { to })).json as { token: string }
  const code = await shop.server.codeFor(to)
  const wrong = `${(Number(code[0]) + 1) % 10}${code.slice(1)}`
  for (let tries = 0; tries < 4; tries++) {
    const answer = await shop.page(token, '/check', { code: wrong })
    assert.equal(answer.text, '{"result":"refused"}')
    assert.equal(((await shop.page(token, '')).json.verification as PageVerification).state, 'live')
  }
  assert.equal((await shop.page(token, '/check', { code })).json.result, 'verified')
  assert.equal((await shop.page(token, '/check', { code })).text, '{"result":"refused"}')
})

test('a code that was guessed at too often has ended, and the page is not told why', async () => {
  const to = newNumber()
  const { token: first } = await shop.session()
  const { token } = (await shop.page(first, '/start', { to })).json as { token: string }
  const code = await shop.server.codeFor(to)
  const wrong = `${(Number(code[0]) + 1) % 10}${code.slice(1)}`
  for (let tries = 0; tries < 5; tries++) await shop.page(token, '/check', { code: wrong })
  assert.equal(((await shop.page(token, '')).json.verification as PageVerification).state, 'ended')
  assert.equal((await shop.page(token, '/check', { code })).text, '{"result":"refused"}')
  assert.equal(((await shop.page(token, '')).json.verification as PageVerification).state, 'ended')
})

test('two sessions for one number have codes of their own', async () => {
  const to = newNumber()
  const [one, two] = [await shop.session(), await shop.session()]
  const tokens = []
  for (const { token } of [one, two])
    tokens.push((await shop.page(token, '/start', { to })).json.token as string)
  const [first, second] = await Promise.all(
    tokens.map(async (token) => (await shop.page(token, '')).json.verification as PageVerification),
  )
  assert.ok(first && second)
  const code = await shop.server.codeFor(to)
  const outcomes = []
  for (const token of tokens) outcomes.push((await shop.page(token, '/check', { code })).json.result)
  assert.deepEqual(outcomes.toSorted(), ['refused', 'verified'])
})

test('an address that the shop gave cannot be exchanged by the person', async () => {
  const [to, other] = [newNumber(), newNumber()]
  const { token } = await shop.session({ to })
  const state = (await shop.page(token, '')).json
  assert.equal(state.asks, 'none')
  assert.equal(state.to_masked, `${to.slice(0, -8)}****${to.slice(-4)}`)
  assert.equal((await shop.page(token, '/start', { to: other })).status, 200)
  assert.ok(await shop.server.codeFor(to))
  assert.deepEqual(await shop.server.inbox(other), [])
})

test('what the person enters is of the kind that the shop asked for', async () => {
  const { token } = await shop.session({ asks: 'email' })
  assert.deepEqual((await shop.page(token, '')).json.regions, [])
  const refused = await shop.page(token, '/start', { to: newNumber() })
  assert.equal(refused.status, 422)
  assert.match(refused.json.type as string, /address-invalid$/)
  for (const to of ['+86', 'x', 'a@b', '+861064030000'])
    assert.equal((await shop.page((await shop.session()).token, '/start', { to })).status, 422, to)
  assert.equal((await shop.page(token, '/start', { to: 'li.na@example.com' })).status, 200)
})

test('the page knows the countries that codes may be sent to', async () => {
  const { regions } = (await shop.page((await shop.session()).token, '')).json as { regions: string[][] }
  assert.deepEqual(
    regions.find(([region]) => region === 'CN'),
    ['CN', '86'],
  )
  assert.ok(regions.length > 200)
})

test('a start that is made again at once sends no second message', async () => {
  const to = newNumber()
  const { token } = await shop.session({ to })
  for (let tries = 0; tries < 3; tries++) assert.equal((await shop.page(token, '/start', {})).status, 200)
  await shop.server.codeFor(to)
  assert.equal((await shop.server.inbox(to)).length, 1)
})

test('the code has the form that the maker wishes, and is bound to the host of the page', async () => {
  await using elsewhere = await openShop('publicUrl: https://otp.example.com')
  const { url, token: first } = await elsewhere.session({ code: { length: 8, alphabet: 'crockford' } })
  assert.ok(url.startsWith('https://otp.example.com/verify/'))
  const to = newNumber()
  const { token, verification } = (await elsewhere.page(first, '/start', { to })).json as {
    token: string
    verification: Record<string, unknown>
  }
  assert.equal(verification.alphabet, 'crockford')
  assert.equal(verification.code_length, 8)
  const code = await elsewhere.server.codeFor(to)
  assert.match(code, /^[0-9A-HJKMNP-TV-Z]{8}$/)
  const [message] = await elsewhere.server.inbox(to)
  assert.ok(message!.text.endsWith(`\n@otp.example.com #${code}`), message!.text)
  const typed = code.toLowerCase().replaceAll('0', 'o').replaceAll('1', 'l')
  assert.equal((await elsewhere.page(token, '/check', { code: typed })).json.result, 'verified')
})

test('a code is sent again as its limits allow; the page is told when, and not which limit it is', async () => {
  const to = newNumber()
  const { token: first } = await shop.session()
  const { token, verification } = (await shop.page(first, '/start', { to })).json as {
    token: string
    verification: { next: { send_after_s: number; channels: string[] } }
  }
  assert.ok(verification.next.send_after_s > 50 && verification.next.send_after_s <= 60)
  assert.deepEqual(verification.next.channels, ['sms', 'voice', 'whatsapp'])
  const again = await shop.page(token, '/send', {})
  assert.equal(again.status, 429)
  assert.equal(again.json.limit, 'page')
  assert.ok(Number(again.json.retry_after_s) > 50)
  const mail = await shop.page(token, '/send', { channel: 'email' })
  assert.equal(mail.status, 422, 'a number is not reached by mail')
})

test('a held verification is let go by the solution of its challenge alone', async () => {
  const to = newNumber()
  const { token: first } = await shop.session({ test: { risk: 'challenge' } }, await shop.key('--test'))
  const started = await shop.page(first, '/start', { to })
  const { token, verification } = started.json as {
    token: string
    verification: { state: string; challenge: { kinds: Record<string, string>[] } }
  }
  assert.equal(verification.state, 'held', started.text)
  assert.deepEqual(await shop.server.inbox(to), [])
  assert.equal((await shop.page(token, '/send', {})).status, 409)
  assert.equal((await shop.page(token, '/check', { code: '123456' })).text, '{"result":"refused"}')
  const [{ max, ...pow } = {}] = ((await shop.page(token, '')).json.verification as typeof verification)
    .challenge.kinds
  const solved = await solveChallenge(pow.challenge!, pow.salt!, 'SHA-256', Number(max)).promise
  const solutionWith = (number: number) => Buffer.from(JSON.stringify({ ...pow, number })).toString('base64')
  const wrong = await shop.page(token, '/challenge', { solution: solutionWith(solved!.number + 1) })
  assert.equal(wrong.status, 400, wrong.text)
  const right = await shop.page(token, '/challenge', { solution: solutionWith(solved!.number) })
  assert.equal(right.status, 202, right.text)
  assert.equal(right.json.state, 'live')
  const checked = await shop.page(token, '/check', { code: await shop.server.codeFor(to) })
  assert.equal(checked.json.result, 'verified')
})

test('the guard’s refusal has a name for the operator, and only test keys choose it', async () => {
  const { token } = await shop.session({ test: { risk: 'refuse' } }, await shop.key('--test'))
  const refused = await shop.page(token, '/start', { to: newNumber() })
  assert.equal(refused.status, 429)
  assert.match(refused.json.type as string, /refused-by-guard$/)
  assert.equal(
    (await shop.call('/v1/sessions', { return_url: returnUrl, test: { risk: 'allow' } })).status,
    400,
  )
})

test('a check that is made again after a lost answer succeeds again', async () => {
  const to = newNumber()
  const { token: first } = await shop.session()
  const { token } = (await shop.page(first, '/start', { to })).json as { token: string }
  const body = { code: await shop.server.codeFor(to) }
  const headers = { 'idempotency-key': 'check-1' }
  const check = () => shop.server.call('POST', `/v1/public/sessions/${token}/check`, { body, headers })
  assert.equal((await check()).json.result, 'verified')
  const again = await check()
  assert.equal(again.json.result, 'verified')
  assert.equal(again.headers.get('idempotency-replayed'), 'true')
  const results = [again, await check()].map(
    ({ json }) => new URL(json.return_url as string).searchParams.get('result')!,
  )
  const redeemed = await Promise.all(results.map((result) => shop.call('/v1/sessions/redeem', { result })))
  assert.deepEqual(redeemed.map(({ status }) => status).toSorted(), [200, 409], 'both are one result')
})

test('a session asks for codes to so many addresses and no more', async () => {
  const { token } = await shop.session()
  const statuses = []
  for (let nth = 0; nth < 12; nth++)
    statuses.push((await shop.page(token, '/start', { to: newNumber() })).status)
  const allowed = statuses.indexOf(429)
  assert.ok(allowed > 0 && allowed <= 10, String(statuses))
  assert.deepEqual(new Set(statuses.slice(allowed)), new Set([429]))
  assert.equal((await shop.page((await shop.session()).token, '/start', { to: newNumber() })).status, 200)
})

test('a publishable key makes sessions from its origins, for the person before the page alone', async () => {
  const origin = 'http://127.0.0.1:5173'
  const authorization = `Bearer ${await shop.key('--publishable', '--origin', origin)}`
  const ask = (body: object, more = {}) => shop.call('/v1/sessions', body, { authorization, origin, ...more })
  const own = { return_url: `${origin}/done` }
  assert.equal((await ask(own)).status, 201)
  assert.equal((await ask(own, { origin: 'https://evil.example' })).status, 403)
  assert.equal((await ask({ return_url: 'https://shop.example/done' })).status, 400)
  for (const foreign of [
    { subject: 'u_1' },
    { metadata: { a: 'b' } },
    { nonce: 'n' },
    { code: { length: 6 } },
  ])
    assert.equal((await ask({ ...own, ...foreign })).status, 400)
  assert.equal(
    (await shop.call('/v1/sessions/redeem', { result: 'x' }, { authorization, origin })).status,
    403,
  )
})

test('a session goes by the channel and the plan of its maker, as far as these reach the address', async () => {
  const plan = [
    { channel: 'voice', after_s: 0 },
    { channel: 'sms', after_s: 30 },
  ]
  const channelTo = async (to: string, wishes: object) => {
    const { token } = await shop.session({ ...wishes })
    const started = await shop.page(token, '/start', { to })
    return (started.json.verification as { channel: string }).channel
  }
  assert.equal(await channelTo(newNumber(), { plan }), 'voice')
  assert.equal(await channelTo(`${newNumber().slice(1)}@example.com`, { plan }), 'email')
  assert.equal(await channelTo(newNumber(), { channel: 'voice' }), 'voice')
  const made = (wishes: object) => shop.call('/v1/sessions', { return_url: returnUrl, ...wishes })
  for (const wishes of [
    { asks: 'email', plan },
    { to: 'a@example.com', channel: 'sms' },
    { plan, channel: 'sms' },
    { plan: [plan[0], { channel: 'sms', after_s: 599 }] },
  ])
    assert.equal(told(await made(wishes)), '400 invalid-request')
})

test('a session ends with the key that it was made with', async () => {
  const secret = await shop.key()
  const authorization = `Bearer ${secret}`
  const made = await shop.call('/v1/sessions', { return_url: returnUrl }, { authorization })
  const token = (made.json.url as string).split('/').at(-1)!
  assert.equal((await shop.page(token, '')).status, 200)
  await shop.revoke(secret)
  for (let waited = 0; (await shop.page(token, '')).status === 200; waited++) {
    assert.ok(waited < 600, 'a revoked key is still in force after a minute')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  assert.equal((await shop.page(token, '/start', { to: newNumber() })).status, 404)
})
