import assert from 'node:assert/strict'
import { afterEach, before, beforeEach, test } from 'node:test'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { problem, type ScriptedPeer, startScriptedPeer } from '../test/scripted-peer.ts'
import { Countersign, proofs } from './index.ts'

type Pair = Awaited<ReturnType<typeof generateKeyPair>>
let peer: ScriptedPeer
let ed: Pair
let es: Pair
const keys: object[] = []
const refused = { name: 'CountersignError', type: 'proof' }

before(async () => {
  ed = await generateKeyPair('EdDSA', { extractable: true })
  es = await generateKeyPair('ES256', { extractable: true })
  keys.push(
    { ...(await exportJWK(ed.publicKey)), kid: 'ed', alg: 'EdDSA', use: 'sig' },
    { ...(await exportJWK(es.publicKey)), kid: 'es', alg: 'ES256', use: 'sig' },
  )
})
// A server of its own for each test, because keys are kept by the URL.
beforeEach(async () => {
  peer = await startScriptedPeer()
  peer.script({ status: 200, body: { keys } })
})
afterEach(() => peer[Symbol.asyncDispose]())

type Made = {
  alg?: string
  kid?: string
  key?: unknown
  claims?: object
  exp?: string
  iss?: string
  aud?: string | string[]
  header?: object
}
const tokenOf = ({
  alg = 'EdDSA',
  kid = 'ed',
  key = ed.privateKey,
  claims = {},
  exp = '10m',
  iss = peer.url,
  aud = 'app_1',
  header = {},
}: Made = {}) =>
  new SignJWT({ sub: 'u_42', purpose: 'verify', amr: ['otp', 'sms'], ...claims })
    .setProtectedHeader({ alg, kid, ...header })
    .setIssuedAt()
    .setIssuer(iss)
    .setAudience(aud)
    .setExpirationTime(exp)
    .setJti('ver_1')
    .sign(key as Pair['privateKey'])

const verify = async (made: Made = {}, more: object = {}) =>
  proofs.verify(await tokenOf(made), { url: peer.url, audience: 'app_1', ...more })

test('a proof of either algorithm gives its claims, by one reading of the keys', async () => {
  assert.equal((await verify()).sub, 'u_42')
  assert.equal((await verify({ alg: 'ES256', kid: 'es', key: es.privateKey })).jti, 'ver_1')
  assert.equal((await verify({ aud: ['app_0', 'app_1'] })).purpose, 'verify')
  const client = new Countersign({ url: peer.url, key: 'ck_test_1' })
  assert.equal((await client.proofs.verify(await tokenOf(), { audience: 'app_1' })).jti, 'ver_1')
  assert.deepEqual(
    peer.asked.map(({ path }) => path),
    ['/.well-known/jwks.json'],
  )
  assert.equal(peer.asked[0]!.headers.authorization, undefined)
})

test('keys are read once for proofs that are checked at the same time', async () => {
  await Promise.all([verify(), verify(), verify()])
  assert.equal(peer.asked.length, 1)
})

test('the wrong audience, issuer, time, nonce or key is refused', async () => {
  const stranger = await generateKeyPair('EdDSA')
  for (const made of [
    { aud: 'app_2' },
    { iss: 'https://elsewhere.example' },
    { exp: '-10s' },
    { key: stranger.privateKey },
    { kid: 'other' },
    { kid: 'es' },
    { header: { crit: ['b64'], b64: true } },
  ])
    await assert.rejects(verify(made), refused, JSON.stringify(made))
  await assert.rejects(verify({ claims: { nonce: 'a' } }, { nonce: 'b' }), refused)
  assert.equal((await verify({ claims: { nonce: 'a' } }, { nonce: 'a' })).nonce, 'a')
  assert.equal(
    (await verify({ iss: 'https://otp.example.com' }, { issuer: 'https://otp.example.com' })).sub,
    'u_42',
  )
})

test('a token without a signature, of a secret of our public key, or of another form is refused', async () => {
  const [head, body, signature] = (await tokenOf()).split('.')
  const headOf = (header: object) => Buffer.from(JSON.stringify(header)).toString('base64url')
  const byPublicKey = await tokenOf({ alg: 'HS256', key: Buffer.from(JSON.stringify(keys[0])) })
  const changed = Buffer.from(JSON.stringify({ aud: 'app_1', iss: peer.url, exp: 9e9 })).toString('base64url')
  for (const token of [
    `${headOf({ alg: 'none', kid: 'ed' })}.${body}.`,
    `${headOf({ alg: 'constructor', kid: 'ed' })}.${body}.${signature}`,
    `${head}.${changed}.${signature}`,
    `${head}.${body}.${signature}.${signature}`,
    `${head}.${body}`,
    byPublicKey,
    'null.null.null',
    '',
  ])
    await assert.rejects(proofs.verify(token, { url: peer.url, audience: 'app_1' }), refused, token)
})

test('a key that came since is found, but unknown ones do not make us ask each time', async ({ mock }) => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  peer.script({ status: 200, body: { keys: keys.slice(1) } }, { status: 200, body: { keys } })
  await assert.rejects(verify(), refused)
  await assert.rejects(verify(), refused)
  assert.equal(peer.asked.length, 1)
  mock.timers.tick(31_000)
  assert.equal((await verify()).sub, 'u_42')
})

test('after ten minutes keys are read again, so that a withdrawn one does not count', async ({ mock }) => {
  mock.timers.enable({ apis: ['Date'], now: Date.now() })
  await verify()
  peer.script({ status: 200, body: { keys: keys.slice(1) } })
  mock.timers.tick(600_001)
  await assert.rejects(verify(), refused)
})

test('keys that are not to be had are no refusal, and are asked for again', async () => {
  peer.script(problem('store-unavailable', 503, { retry_after_s: 60 }), { status: 200, body: { keys } })
  await assert.rejects(verify(), { type: 'store-unavailable' })
  assert.equal((await verify()).sub, 'u_42')
})
