/** The native API over HTTP: verifications of anyone, from start to check. */

import assert from 'node:assert/strict'
import { hash, randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Api, apiWith, otherThan, told } from './api.ts'
import { run } from './cli-run.ts'
import { newNumber, type Server, startServer } from './server.ts'
import { until } from './until.ts'

let server: Server
let api: Api
before(async () => {
  server = await startServer()
  api = await apiWith(server)
})
after(() => server[Symbol.asyncDispose]())

test('a code that was sent to anyone verifies the address once, and proves it', async () => {
  const to = newNumber()
  const started = await api.start(to, { subject: 'u_42', metadata: { order: 'é 1' } })
  assert.equal(told(started), '201', started.text)
  const { id, secret, created_at, expires_at, ...rest } = started.json
  assert.match(String(id), /^ver_[0-9a-f]{47}$/)
  assert.match(String(secret), /^vs_[A-Za-z0-9_-]{22}$/)
  assert.equal(Date.parse(String(expires_at)) - Date.parse(String(created_at)), 60_000)
  assert.equal(rest.to_masked, `${to.slice(0, 6)}****${to.slice(-4)}`)
  assert.deepEqual(
    [
      rest.state,
      rest.channel,
      rest.purpose,
      rest.subject,
      rest.sent,
      rest.code_length,
      rest.submissions_left,
    ],
    ['live', 'sms', 'verify', 'u_42', true, 6, 5],
  )
  assert.deepEqual(rest.metadata, { order: 'é 1' })
  const code = await server.codeFor(to)

  const wrong = await api.check(id, otherThan(code))
  assert.deepEqual(
    [told(wrong), wrong.json.result, wrong.json.reason, wrong.json.submissions_left],
    ['200', 'refused', 'wrong', 4],
  )
  const right = await api.check(id, `${code.slice(0, 3)} ${code.slice(3)}`)
  assert.deepEqual([told(right), right.json.result], ['200', 'verified'], right.text)
  const { verification, proof } = right.json as { verification: Record<string, unknown>; proof: string }
  assert.deepEqual([verification.id, verification.state, verification.subject], [id, 'used', 'u_42'])
  const claims = JSON.parse(Buffer.from(proof.split('.')[1]!, 'base64url').toString())
  assert.deepEqual([claims.phone_number, claims.sub, claims.jti], [to, 'u_42', id])
  const again = await api.check(id, code)
  assert.deepEqual([again.json.result, again.json.reason], ['refused', 'used'])
})

test('who has id and secret checks without a key, and learns no reason; others learn not even that it exists', async () => {
  const to = newNumber()
  const { id, secret } = (await api.start(to)).json
  const code = await server.codeFor(to)
  const check = (body: object, of = id) =>
    server.call('POST', `/v1/public/verifications/${of}/check`, { body })
  assert.equal(told(await check({ secret: 'vs_AAAAAAAAAAAAAAAAAAAAAA', code })), '404 not-found')
  assert.equal(told(await check({ secret, code }, 'ver_1')), '404 not-found')
  const wrong = await check({ secret, code: otherThan(code) })
  assert.deepEqual(wrong.json, { result: 'refused' })
  assert.equal(wrong.headers.get('access-control-allow-origin'), '*')
  const right = await check({ secret, code })
  assert.equal(right.json.result, 'verified')
  assert.match(String(right.json.proof), /^eyJ/)
})

test('limits say what an app and a person have left, and asking counts nothing', async () => {
  const subject = 'u_limits'
  const left = async () => {
    const { json } = await api.get(`/limits?subject=${subject}`)
    const limits = json.limits as { limit: string; window_s: number; left: number }[]
    return Object.fromEntries(limits.map((one) => [`${one.limit}/${one.window_s}`, one.left]))
  }
  const before = await left()
  assert.deepEqual(
    [
      before['subject/3600'],
      before['subject/86400'],
      before['subject-tos/86400'],
      before['subject-wrong/86400'],
    ],
    [10, 20, 5, 20],
  )
  const { id } = (await api.start(newNumber(), { subject })).json
  await api.check(id, '000000x')
  const after = await left()
  assert.deepEqual(
    [after['subject/3600'], after['subject/86400'], after['subject-tos/86400'], after['subject-wrong/86400']],
    [9, 19, 4, 19],
  )
  // The bucket of the app fills again meanwhile.
  assert.deepEqual({ ...(await left()), 'app/10': 0 }, { ...after, 'app/10': 0 })
  const ofApp = (await api.get('/limits')).json.limits as { limit: string }[]
  assert.deepEqual(
    ofApp.map(({ limit }) => limit),
    ['app'],
  )
})

const key = () => ({ 'idempotency-key': randomUUID() })

test('of 50 starts with one Idempotency-Key one acts; the others wait or get its very answer', async () => {
  const to = newNumber()
  const headers = key()
  const answers = await Promise.all(Array.from({ length: 50 }, () => api.start(to, {}, headers)))
  const acted = answers.filter(({ status }) => status === 201)
  const first = acted.find((one) => !one.headers.has('idempotency-replayed'))!
  for (const answer of answers)
    if (answer.status === 201) assert.equal(answer.text, first.text)
    else {
      assert.equal(told(answer), '409 idempotency-in-progress')
      assert.equal(answer.headers.get('retry-after'), '1')
    }
  assert.equal(
    answers.filter((one) => one.status === 201 && !one.headers.has('idempotency-replayed')).length,
    1,
  )
  const again = await api.start(to, {}, headers)
  assert.deepEqual(
    [again.status, again.text, again.headers.get('idempotency-replayed')],
    [201, first.text, 'true'],
  )
  assert.equal(told(await api.start(to, { subject: 'another' }, headers)), '422 idempotency-mismatch')
  await server.codeFor(to)
  assert.equal((await server.inbox(to)).length, 1)
})

test('a check that comes again by its key spends no guess, and a right one stays right', async () => {
  const to = newNumber()
  const { id } = (await api.start(to)).json
  const code = await server.codeFor(to)
  const guess = key()
  const wrong = await api.check(id, otherThan(code), guess)
  for (let nth = 0; nth < 3; nth++) {
    const again = await api.check(id, otherThan(code), guess)
    assert.deepEqual([again.text, again.headers.get('idempotency-replayed')], [wrong.text, 'true'])
  }
  assert.equal(told(await api.check(id, code, guess)), '422 idempotency-mismatch')
  const use = key()
  const right = await api.check(id, code, use)
  assert.deepEqual([right.json.result, right.headers.get('idempotency-replayed')], ['verified', null])
  const again = await api.check(id, code, use)
  assert.deepEqual([again.text, again.headers.get('idempotency-replayed')], [right.text, 'true'])
  assert.equal((await api.check(id, code, key())).json.reason, 'used')
})

test('a start without a key right after another one is taken for the same; by a key of its own it waits', async () => {
  const to = newNumber()
  const first = await api.start(to)
  const second = await api.start(to)
  assert.equal(told(second), '200')
  assert.deepEqual(
    [second.json.id, second.json.secret, second.json.sent],
    [first.json.id, first.json.secret, false],
  )
  const third = await api.start(to, {}, key())
  assert.deepEqual([told(third), third.json.sent, third.json.secret], ['200', false, undefined])
  assert.ok(Number(third.json.retry_after_s) > 50)
})

test('a code is sent again by another channel after its gap, and a cancelled one is refused', async () => {
  const to = newNumber()
  const { id, next } = (await api.start(to)).json as { id: string; next: { send_after_s: number } }
  assert.ok(next.send_after_s > 50 && next.send_after_s <= 60)
  const soon = await api.post(`/verifications/${id}/send`)
  assert.equal(told(soon), '429 rate-limited')
  assert.equal(soon.json.limit, 'subject-to')
  assert.equal(soon.headers.get('retry-after'), String(soon.json.retry_after_s))
  assert.equal(
    told(await api.post(`/verifications/${id}/send`, { channel: 'email' })),
    '422 address-unreachable',
  )
  const code = await server.codeFor(to)
  const cancel = key()
  const cancelled = await api.post(`/verifications/${id}/cancel`, {}, cancel)
  assert.deepEqual([told(cancelled), cancelled.json.state], ['200', 'cancelled'])
  const again = await api.post(`/verifications/${id}/cancel`, {}, cancel)
  assert.deepEqual([again.text, again.headers.get('idempotency-replayed')], [cancelled.text, 'true'])
  const conflict = await api.post(`/verifications/${id}/cancel`)
  assert.deepEqual([told(conflict), conflict.json.state], ['409 state-conflict', 'cancelled'])
  assert.equal(told(await api.post(`/verifications/${id}/send`)), '409 state-conflict')
  const checked = await api.check(id, code)
  assert.deepEqual([checked.json.result, checked.json.reason], ['refused', 'cancelled'])
})

test('what became of a message is read with its verification, without the address', async () => {
  const to = newNumber()
  const { id } = (await api.start(to, { code: { life_s: 600 } })).json
  await server.codeFor(to)
  const read = (await until(async () => {
    const answer = await api.get(`/verifications/${id}`)
    return Number(answer.json.dispatches) > 0 && answer
  })) as Awaited<ReturnType<typeof api.get>>
  assert.deepEqual([told(read), read.json.state, read.json.dispatches], ['200', 'live', 1])
  const timeline = await api.get(`/verifications/${id}/timeline`)
  const { steps, dispatches } = timeline.json as {
    steps: { event: string }[]
    dispatches: { carrier: string; outcome: string }[]
  }
  assert.deepEqual(
    steps.map(({ event }) => event),
    ['issued', 'queued', 'handed-over', 'answered'],
  )
  assert.deepEqual([dispatches[0]!.carrier, dispatches[0]!.outcome], ['sandbox', 'accepted'])
  assert.ok(!timeline.text.includes(to))
})

test('a test key chooses code and decision: held until solved, or refused; nobody else may', async () => {
  const tests = await apiWith(server, '--test')
  const to = newNumber()
  const own = await tests.start(newNumber(), { code: { value: '424242' } })
  assert.deepEqual([told(own), own.json.is_test], ['201', true])
  assert.equal((await tests.check(own.json.id, '424242')).json.result, 'verified')

  const held = await tests.start(to, { test: { risk: 'challenge' } })
  assert.deepEqual([told(held), held.json.state, held.json.sent], ['201', 'held', false])
  const path = `/verifications/${held.json.id}/challenge`
  assert.equal(told(await tests.check(held.json.id, '000000')), '409 state-conflict')
  assert.equal(told(await tests.post(path, { solution: 'eyJ9' })), '400 invalid-request')
  const { kinds } = held.json.challenge as { kinds: Pow[] }
  assert.deepEqual((await tests.get(`/verifications/${held.json.id}`)).json.challenge, { kinds })
  const solution = solve(kinds[0]!)
  const solved = await tests.post(path, { solution }, key())
  assert.deepEqual([told(solved), solved.json.state, solved.json.sent_by], ['202', 'live', 'sms'])
  assert.equal(told(await tests.post(path, { solution })), '409 state-conflict')
  assert.equal((await tests.check(held.json.id, await server.codeFor(to))).json.result, 'verified')

  for (const more of [{ test: { risk: 'refuse' } }, { test: { risk: 'challenge' }, challenge: 'none' }]) {
    const refused = await tests.start(newNumber(), more)
    assert.equal(told(refused), '429 refused-by-guard')
    assert.match(String(refused.json.explanation_id), /^[0-9a-f]{32}$/)
    assert.deepEqual(refused.json.alternatives, ['email'])
  }
  for (const more of [{ code: { value: '424242' } }, { test: { risk: 'allow' } }])
    assert.equal(told(await api.start(newNumber(), more)), '400 invalid-request')
})

type Pow = { algorithm: string; salt: string; challenge: string; signature: string; max: number }

/** As the widget of ALTCHA does. */
function solve({ algorithm, salt, challenge, signature, max }: Pow): string {
  for (let number = 0; number <= max; number++)
    if (hash('sha256', `${salt}${number}`) === challenge)
      return Buffer.from(JSON.stringify({ algorithm, challenge, number, salt, signature })).toString('base64')
  throw new Error('no number solves it')
}

test('a verification is its app’s, and its world’s: to others it does not exist', async () => {
  const { id, secret } = (await api.start(newNumber())).json
  const tests = await apiWith(server, '--test')
  const made = await run(
    ['app', 'create', '--tenant', 'demo', '--name', 'other', '--json', '--data', server.dataFolder],
    { env: server.env },
  )
  const other = await apiWith({ ...server, app: JSON.parse(made.out) })
  for (const by of [tests, other]) {
    const answers = await Promise.all([
      by.check(id, '000000'),
      by.get(`/verifications/${id}`),
      by.get(`/verifications/${id}/timeline`),
      by.post(`/verifications/${id}/send`),
      by.post(`/verifications/${id}/cancel`),
      by.post(`/verifications/${id}/challenge`, { solution: 'x' }),
    ])
    for (const answer of answers) assert.equal(told(answer), '404 not-found')
  }
  assert.equal((await api.get(`/verifications/${id}`)).json.submissions_left, 5)
  assert.ok(secret)
})

test('an Idempotency-Key of a test key is another than that of a live one', async () => {
  const tests = await apiWith(server, '--test')
  const [to, headers] = [newNumber(), { 'idempotency-key': 'both worlds' }]
  const live = await api.start(to, {}, headers)
  const trial = await tests.start(to, {}, headers)
  assert.deepEqual([live.status, trial.status], [201, 201])
  assert.notEqual(trial.json.id, live.json.id)
  assert.equal(trial.headers.get('idempotency-replayed'), null)
  assert.equal((await api.start(to, {}, headers)).json.id, live.json.id)
})

test('a key may do what its scopes say, and a publishable key none of it', async () => {
  const reader = await apiWith(server, '--scope', 'verifications:read')
  const refused = await reader.start(newNumber())
  assert.deepEqual([told(refused), refused.json.scope], ['403 forbidden', 'verifications:write'])
  const { id } = (await api.start(newNumber())).json
  assert.equal((await reader.get(`/verifications/${id}`)).status, 200)
  const writer = await apiWith(server, '--scope', 'verifications:write')
  assert.equal(told(await writer.get(`/verifications/${id}`)), '403 forbidden')
  const page = await apiWith(server, '--publishable', '--origin', 'https://shop.example')
  assert.equal(told(await page.start(newNumber(), {}, { origin: 'https://shop.example' })), '403 forbidden')
})

test('a revoked key is refused within a second, its successor is not, and its last use is kept', async () => {
  const [old, next] = [await apiWith(server), await apiWith(server)]
  assert.equal((await old.get('/limits')).status, 200)
  assert.equal((await next.get('/limits')).status, 200)
  const list = async (): Promise<{ id: string; lastUsedAt: string | null }[]> =>
    JSON.parse((await run(['key', 'list', '--json', '--data', server.dataFolder], { env: server.env })).out)
  await until(async () => (await list()).find(({ id }) => id === old.id)?.lastUsedAt)
  await run(['key', 'revoke', old.id, '--data', server.dataFolder], { env: server.env })
  const revokedAt = performance.now()
  await until(async () => (await old.get('/limits')).status === 401)
  assert.ok(performance.now() - revokedAt < 5_000)
  assert.equal((await next.get('/limits')).status, 200)
})

test('what is wrong with an address is said with what to do', async () => {
  for (const [to, expected, reason] of [
    ['13912345678', '422 address-invalid', 'no-plus'],
    ['+19', '422 address-invalid', 'not-valid'],
    ['nobody@', '422 address-invalid', 'domain'],
    ['+862088888888', '422 address-unreachable', 'not-mobile'],
  ] as const) {
    const answer = await api.start(to)
    assert.deepEqual([told(answer), answer.json.reason], [expected, reason], answer.text)
    assert.ok(!answer.text.includes(to))
  }
  const meant = async (to: string) => (await api.start(to)).json.suggestion
  assert.equal(await meant('0086 139-1234-5678'), '+8613912345678')
  assert.equal(await meant('mailto:ann@example,com'), 'ann@example.com')
  assert.equal(await meant('13912345678'), undefined)
  assert.equal(
    told(await api.post('/verifications', { to: { phone: 'a@example.com' } })),
    '422 address-invalid',
  )
  assert.equal(told(await api.post('/verifications', { to: { email: newNumber() } })), '422 address-invalid')
  assert.equal(told(await api.post('/verifications', { to: { email: 'someone@example.com' } })), '201')
})

test('N-7: a code of one subject, purpose or address serves no other, and guesses count for the subject', async () => {
  const to = newNumber()
  const starts = [{ subject: 'n7-a' }, { subject: 'n7-b' }, { subject: 'n7-a', purpose: 'other' }]
  const codes: string[] = []
  const ids: string[] = []
  for (const [nth, more] of starts.entries()) {
    // Another purpose is another code, and the gap between codes of one person to one address holds for both.
    const answer = await api.start(nth === 2 ? newNumber() : to, more)
    assert.equal(told(answer), '201', answer.text)
    ids.push(String(answer.json.id))
    const sentTo = nth === 2 ? String(answer.json.to_masked) : to
    codes.push(
      nth === 2
        ? ''
        : await until(async () => (await server.inbox(sentTo)).length > nth && server.codeFor(sentTo)),
    )
  }
  if (codes[0] !== codes[1]) {
    assert.equal((await api.check(ids[0], codes[1]!)).json.reason, 'wrong')
    assert.equal((await api.check(ids[1], codes[0]!)).json.reason, 'wrong')
  }
  assert.equal((await api.check(ids[2], codes[0]!)).json.reason, 'wrong')
  assert.equal((await api.check(ids[0], codes[0]!)).json.result, 'verified')
})

test('five wrong codes end a verification, and no more than five are compared in a minute', async () => {
  const to = newNumber()
  const { id } = (await api.start(to, { subject: 'guesser' })).json
  const code = await server.codeFor(to)
  for (let left = 4; left >= 0; left--) {
    const wrong = await api.check(id, otherThan(code))
    assert.deepEqual([wrong.json.reason, wrong.json.submissions_left], ['wrong', left])
  }
  const sixth = await api.check(id, code)
  assert.deepEqual([sixth.json.result, sixth.json.reason], ['refused', 'spent'])
  assert.equal((await api.get(`/verifications/${id}`)).json.state, 'spent')
})

test('who checks a verification that has ended uses up nothing of the one that lives, and is told how it ended', async () => {
  const to = newNumber()
  const policy = JSON.stringify({ limits: { issues: { address: { gaps: [] } } } })
  const made = await run(
    ['app', 'create', '--tenant', 'demo', '--name', 'quick', '--policy', policy, '--json'].concat(
      '--data',
      server.dataFolder,
    ),
    { env: server.env },
  )
  const quick = await apiWith({ ...server, app: JSON.parse(made.out) })
  const old = (await quick.start(to)).json
  const code = await server.codeFor(to)
  assert.equal((await quick.check(old.id, code)).json.result, 'verified')
  const started = await quick.start(to)
  assert.equal(told(started), '201', started.text)
  const { id } = started.json
  for (let nth = 0; nth < 8; nth++) {
    const { json } = await server.call('POST', `/v1/public/verifications/${old.id}/check`, {
      body: { secret: old.secret, code: otherThan(code) },
    })
    assert.deepEqual(json, { result: 'refused' })
  }
  assert.equal((await quick.check(old.id, code)).json.reason, 'used')
  const { json } = await quick.get(`/verifications/${id}`)
  assert.deepEqual([json.state, json.submissions_left], ['live', 5])
  assert.equal((await quick.check(id, otherThan(code))).json.submissions_left, 4)
})

test('A-9: who holds an address gets codes by it, however many others ask for it', async () => {
  const to = newNumber()
  const holder = { subject: 'the-holder', holder: true }
  const strangers: string[] = []
  for (let nth = 0; nth < 7; nth++) strangers.push(told(await api.start(to, { subject: `stranger-${nth}` })))
  assert.equal(strangers.at(-1), '429 rate-limited', strangers.join())
  assert.equal(told(await api.start(to, { subject: 'another' })), '429 rate-limited')
  const { id } = (await api.start(to, holder)).json
  const code = await server.codeFor(to)
  assert.equal((await api.check(id, code)).json.result, 'verified')
  // Without a subject the address stands for everyone who asks, so it holds nothing.
  assert.equal(told(await api.start(newNumber(), { holder: true })), '400 invalid-request')
})

test('limits of a subject hold over its addresses, and the wait that is told is long enough', async () => {
  const subject = 'many-addresses'
  for (let nth = 0; nth < 5; nth++) assert.equal(told(await api.start(newNumber(), { subject })), '201')
  const sixth = await api.start(newNumber(), { subject })
  assert.deepEqual([told(sixth), sixth.json.limit], ['429 rate-limited', 'subject-tos'])
  assert.ok(Number(sixth.json.retry_after_s) > 86_000)
  assert.equal(told(await api.start(newNumber(), { subject: 'another' })), '201')
})

test('verifications are listed by subject, state and time, and found by address, page by page, for their app alone', async () => {
  const subject = 'lister é'
  const to = newNumber()
  const ids: unknown[] = []
  for (const at of [to, newNumber(), newNumber()]) ids.unshift((await api.start(at, { subject })).json.id)
  await api.post(`/verifications/${ids[0]}/cancel`)
  const list = async (query: string) => {
    const answer = await api.get(`/verifications?subject=${encodeURIComponent(subject)}${query}`)
    assert.equal(told(answer), '200', answer.text)
    return answer.json as { verifications: { id: string; state: string }[]; next: string | null }
  }
  const idsOf = async (query: string) => (await list(query)).verifications.map(({ id }) => id)
  assert.deepEqual(await idsOf(''), ids)
  assert.deepEqual(await idsOf('&state=cancelled'), [ids[0]])
  assert.deepEqual(await idsOf(`&since=${new Date(Date.now() + 60_000).toISOString()}`), [])
  const first = await list('&limit=2')
  assert.deepEqual(
    first.verifications.map(({ id }) => id),
    ids.slice(0, 2),
  )
  assert.deepEqual(await idsOf(`&limit=2&cursor=${encodeURIComponent(first.next!)}`), ids.slice(2))

  const search = async (by: Api, body: object) => {
    const answer = await by.post('/verifications/search', body)
    assert.equal(told(answer), '200', answer.text)
    return (answer.json.verifications as { id: string }[]).map(({ id }) => id)
  }
  assert.deepEqual(await search(api, { to }), [ids[2]])
  assert.deepEqual(await search(api, { to: { phone: to }, state: 'used' }), [])
  assert.deepEqual(await search(await apiWith(server, '--test'), { to }), [])
  for (const answer of [
    await api.get('/verifications?since=yesterday'),
    await api.get('/verifications?cursor=x'),
    await api.get('/verifications?limit=101'),
    await api.post('/verifications/search', { to, since: 'yesterday' }),
  ])
    assert.equal(told(answer), '400 invalid-request')
  assert.equal(told(await api.get(`/verifications?to=${encodeURIComponent(to)}`)), '422 unknown-field')
})

test('every answer to a key names the limits of its app, and what is left of them', async () => {
  const { headers } = await api.get('/limits')
  assert.equal(headers.get('ratelimit-policy'), '"app";q=500;w=10')
  const rest = await until(async () => (await api.get('/verifications/ver_1')).headers.get('ratelimit'))
  assert.match(String(rest), /^"app";r=(4\d\d|500)$/)
  const strange = await server.call('GET', '/v1/limits')
  assert.equal(strange.headers.get('ratelimit-policy'), null)
})

test('a plan, an alphabet and a language are taken as far as they can work, and refused by their place', async () => {
  const to = newNumber()
  const at = (...steps: [string, number][]) => steps.map(([channel, after_s]) => ({ channel, after_s }))
  for (const [more, pointer] of [
    [{ plan: at(['sms', 5]) }, '/plan/0/after_s'],
    [{ plan: at(['sms', 0], ['email', 10]) }, '/plan/1/channel'],
    [{ plan: at(['sms', 0], ['voice', 50]) }, '/plan/1/after_s'],
    [{ plan: at(['sms', 0]), channel: 'sms' }, '/channel'],
    [{ channel: 'email' }, '/channel'],
    [{ origin: 'shop.example' }, '/origin'],
    [{ app_hash: 'FA+9qCX9VSu' }, '/app_hash'],
    [{ code: { length: 5 } }, '/code/length'],
  ] as const) {
    const answer = await api.start(to, more)
    const [error] = (answer.json.errors ?? []) as { pointer: string }[]
    assert.deepEqual([told(answer), error?.pointer], ['400 invalid-request', pointer], answer.text)
  }
  const started = await api.start(to, { code: { alphabet: 'crockford', length: 8 }, locale: 'zh-Hant-HK' })
  assert.equal(told(started), '201', started.text)
  const { id, locale, locales_tried, code_length } = started.json
  assert.deepEqual([locale, code_length], ['zh-CN', 8])
  assert.ok((locales_tried as string[]).includes('zh-Hant-HK'))
  const code = await until(
    async () => /[0-9A-HJKMNP-TV-Z]{8}/.exec((await server.inbox(to))[0]?.text ?? '')?.[0],
  )
  assert.equal((await api.check(id, String(code).toLowerCase())).json.result, 'verified')
  const none = await api.post(`/verifications/${id}/send`, { next: true })
  assert.equal(told(none), '409 state-conflict')
})

test('a dry run says what a start would do, and does nothing', async () => {
  const to = newNumber()
  const told1 = await api.start(to, { dry_run: true, locale: 'en-GB' })
  assert.equal(told(told1), '200', told1.text)
  const { dry_run, channel, locale, text, route, risk, refused_by } = told1.json
  assert.deepEqual(
    [dry_run, channel, locale, risk, refused_by],
    [true, 'sms', 'en-US', { action: 'allow' }, null],
  )
  assert.match(String(text), /\d{6}/)
  assert.ok((route as { carriers: unknown[] }).carriers.length > 0)
  assert.deepEqual(await server.inbox(to), [])
  assert.deepEqual((await api.post('/verifications/search', { to })).json.verifications, [])
  assert.equal(told(await api.start(to)), '201', 'no limit counted it')
  const refused = await api.start(to, { dry_run: true })
  assert.equal((refused.json.refused_by as { limit: string }).limit, 'subject-to')
  const plan = [{ channel: 'sms', after_s: 5 }]
  assert.equal(told(await api.start(to, { dry_run: true, plan })), '400 invalid-request')
})
