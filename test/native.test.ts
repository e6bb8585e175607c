/** The native API over HTTP: verifications of anyone, from start to check. */

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Api, apiWith, otherThan, told } from './api.ts'
import { newNumber, type Server, startServer } from './server.ts'

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
  assert.deepEqual(await left(), { ...after, 'app/10': (await left())['app/10'] })
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
