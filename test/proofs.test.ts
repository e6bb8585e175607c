/** Proofs over HTTP: verified by a plain client that knows only the URL, and consumed once. */

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, customFetch, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { type Api, apiWith, told } from './api.ts'
import { run } from './cli-run.ts'
import { newNumber, type Server, startServer } from './server.ts'
import { until } from './until.ts'

let server: Server
let api: Api
before(async () => {
  server = await startServer({ args: ['--limits', 'none'] })
  api = await apiWith(server)
})
after(() => server[Symbol.asyncDispose]())

async function proofOf(by: Api, more: object = {}, to = newNumber()): Promise<string> {
  const { id } = (await by.start(to, more)).json
  const checked = await by.check(id, await server.codeFor(to))
  assert.equal(checked.json.result, 'verified', checked.text)
  assert.equal(
    Date.parse(String(checked.json.proof_expires_at)),
    decodeJwt(String(checked.json.proof)).exp! * 1000,
  )
  return String(checked.json.proof)
}

const verify = (proof: string, more: object = {}, headers = {}) =>
  api.post('/proofs/verify', { proof, ...more }, headers)

test('whoever knows only the URL verifies a proof, with one read of the keys for many proofs', async () => {
  let reads = 0
  const keys = createRemoteJWKSet(new URL(`${server.http}/.well-known/jwks.json`), {
    [customFetch]: (...asked) => {
      reads++
      return fetch(...asked)
    },
  })
  const of = (proof: string, audience: string) => jwtVerify(proof, keys, { issuer: server.http, audience })
  const to = newNumber()
  const proof = await proofOf(api, { subject: 'u_42', nonce: 'n-1', purpose: 'sign-up' }, to)
  const { payload } = await of(proof, server.app.id)
  assert.deepEqual(
    [payload.sub, payload.nonce, payload.purpose, payload.phone_number, payload.phone_number_verified],
    ['u_42', 'n-1', 'sign-up', to, true],
  )
  assert.deepEqual(payload.amr, ['otp', 'sms'])
  assert.equal(payload.exp! - payload.iat!, 600)
  await assert.rejects(of(proof, 'another'), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' })
  await of(await proofOf(api, { audience: 'bank' }), 'bank')
  assert.equal(reads, 1)
})

test('the keys may be kept for ten minutes, and read by pages of any origin', async () => {
  const { headers, json } = await server.call('GET', '/.well-known/jwks.json')
  assert.equal(headers.get('cache-control'), 'public, max-age=600')
  assert.equal(headers.get('access-control-allow-origin'), '*')
  for (const key of json.keys as object[])
    assert.deepEqual(Object.keys(key).toSorted(), ['alg', 'crv', 'kid', 'kty', 'use', 'x'])
})

test('of two hundred consumers at once one consumes a proof, and everyone after it is refused', async () => {
  const proof = await proofOf(api)
  assert.equal((await verify(proof)).json.result, 'valid')
  const answers = await Promise.all(Array.from({ length: 200 }, () => verify(proof, { consume: true })))
  for (const answer of answers) assert.equal(told(answer), '200')
  assert.equal(answers.filter(({ json }) => json.result === 'valid').length, 1)
  assert.deepEqual((await verify(proof)).json, { result: 'refused', reason: 'consumed' })
})

test('a call that consumed a proof and lost its answer succeeds again by its key, and no other question does', async () => {
  const proof = await proofOf(api)
  const key = { 'idempotency-key': 'one' }
  const first = await verify(proof, { consume: true }, key)
  assert.deepEqual([first.json.result, first.headers.get('idempotency-replayed')], ['valid', null])
  const again = await verify(proof, { consume: true }, key)
  assert.deepEqual([again.text, again.headers.get('idempotency-replayed')], [first.text, 'true'])
  assert.equal(told(await verify(proof, {}, key)), '422 idempotency-mismatch')
  assert.equal((await verify(proof, { consume: true })).json.reason, 'consumed')
})

test('a proof is refused for another audience, about another address, changed, or to another app', async () => {
  const to = newNumber()
  const proof = await proofOf(api, { proof: 'hashed' }, to)
  assert.equal('phone_number' in decodeJwt(proof), false)
  const reasonOf = async (more: object, of = proof) => (await verify(of, more)).json.reason ?? 'none'
  assert.equal(await reasonOf({ audience: server.app.id, to }), 'none')
  assert.equal(await reasonOf({ audience: 'bank' }), 'audience')
  assert.equal(await reasonOf({ to: newNumber() }), 'address')
  assert.equal(await reasonOf({}, `${proof.slice(0, -8)}AAAAAAAA`), 'invalid')
  assert.equal(told(await verify(proof, { to: '123' })), '422 address-invalid')
})

test('a proof with a hash alone is compared with ten addresses, and then with no other', async () => {
  const to = newNumber()
  const proof = await proofOf(api, { proof: 'hashed' }, to)
  const misses = []
  for (let nth = 0; nth < 9; nth++) misses.push((await verify(proof, { to: newNumber() })).json.reason)
  assert.deepEqual(new Set(misses), new Set(['address']))
  assert.equal((await verify(proof, { to })).json.result, 'valid')
  await verify(proof, { to: newNumber() })
  assert.equal((await verify(proof, { to })).json.reason, 'address')
  const plain = await proofOf(api, {}, to)
  for (let nth = 0; nth < 11; nth++) await verify(plain, { to: newNumber() })
  assert.equal((await verify(plain, { to })).json.result, 'valid')
})

test('a proof made with a test key is none to who expects a real one', async () => {
  const proof = await proofOf(await apiWith(server, '--test'))
  assert.equal(decodeJwt(proof).aud, `test:${server.app.id}`)
  assert.equal(decodeJwt(proof).is_test, true)
})

test('a proof of one world is refused in the other, and is not consumed there', async () => {
  const tests = await apiWith(server, '--test')
  const [real, trial] = [await proofOf(api), await proofOf(tests)]
  const use = async (by: Api, proof: string) =>
    (await by.post('/proofs/verify', { proof, consume: true })).json
  for (const [by, other, proof] of [
    [api, tests, real],
    [tests, api, trial],
  ] as const) {
    assert.deepEqual(await use(other, proof), { result: 'refused', reason: 'audience' })
    assert.equal((await use(by, proof)).result, 'valid')
  }
})

test('who may only read may look at a proof, and not consume it', async () => {
  const reader = await apiWith(server, '--scope', 'verifications:read')
  const proof = await proofOf(api)
  const refused = await reader.post('/proofs/verify', { proof, consume: true })
  assert.deepEqual([told(refused), refused.json.scope], ['403 forbidden', 'verifications:write'])
  assert.equal((await reader.post('/proofs/verify', { proof })).json.result, 'valid')
})

test('what is no proof of the app leaves nothing behind, not even its idempotency key', async () => {
  const key = { 'idempotency-key': 'of another' }
  const refused = await verify(await proofOf(await apiWith(server, '--test')), { consume: true }, key)
  assert.equal(refused.json.reason, 'audience')
  assert.equal((await verify('none', { consume: true }, key)).json.reason, 'invalid')
  assert.equal((await verify(await proofOf(api), { consume: true }, key)).json.result, 'valid')
})

test('no app has a proof made for another app’s own audience, nor a live one that looks like a test', async () => {
  const made = await run(
    ['app', 'create', '--tenant', 'demo', '--name', 'other', '--json', '--data', server.dataFolder],
    { env: server.env },
  )
  const other = JSON.parse(made.out).id as string
  const starts = { to: newNumber(), dry_run: true }
  for (const audience of [other, `test:${server.app.id}`])
    for (const body of [{ audience }, { audience, ...starts }]) {
      const refused = await api.start(newNumber(), body)
      assert.equal(told(refused), '400 invalid-request', refused.text)
      assert.equal((refused.json.errors as { pointer: string }[])[0]!.pointer, '/audience')
    }
  for (const audience of [server.app.id, 'f'.repeat(32), 'bank'])
    assert.equal((await api.start(newNumber(), { audience })).status, 201)
})

test('a new key of the ring is published at once, while the old one signs on', async () => {
  const before = await proofOf(api)
  const kids = async () =>
    ((await server.call('GET', '/.well-known/jwks.json')).json.keys as { kid: string }[]).map(
      ({ kid }) => kid,
    )
  const [old, ...none] = await kids()
  assert.deepEqual(none, [])
  assert.equal((await run(['keys', 'rotate', '--data', server.dataFolder], { env: server.env })).code, 0)
  server.process.kill('SIGHUP')
  const published = await until(async () => {
    const found = await kids()
    return found.length === 2 && found
  })
  assert.equal(published[0], old)
  assert.equal((await verify(before)).json.result, 'valid')
  assert.equal(decodeProtectedHeader(await proofOf(api)).kid, old)
})
