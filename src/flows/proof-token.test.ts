import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { newKeyLine, parseKeyRing, renewableRing } from '../code/key-ring.ts'
import type { ProofAlgorithm } from '../code/proof-keys.ts'
import type { Consumption } from '../store/consumptions.ts'
import { createProofTokens, type Proved } from './proof-token.ts'
import type { Services } from './services.ts'
import { type ProofQuestion, verifyProof } from './verify-proof.ts'

const start = Date.parse('2026-11-30T12:00:00Z')
const minuteMs = 60_000
const issuer = 'https://otp.example.com'
const plain = { form: 'plain', lifetimeMs: 10 * minuteMs } as const
const firstKey = newKeyLine(new Date(start - 90 * 86_400_000))

const proved: Proved = {
  id: 'v1',
  app: 'shop',
  subject: 'sub:u_42',
  address: 'tel:+8613800138000',
  purpose: 'verify',
  isTest: false,
  channel: 'sms',
  usedAt: start + 250,
}

function made(algorithm: ProofAlgorithm = 'EdDSA', publicUrl: string | null = issuer) {
  const ring = renewableRing(parseKeyRing(firstKey))
  const proofs = createProofTokens(ring, () => publicUrl, algorithm)
  let now = start + 1000
  const consumed = new Map<string, string>()
  const consumptions: Services['store']['consumptions'] = {
    async consume({ thing, by }: Consumption) {
      if (!consumed.has(thing)) consumed.set(thing, by)
      return consumed.get(thing) === by
    },
    consumer: async (thing) => consumed.get(thing),
  }
  const services = { proofs, store: { consumptions }, clock: { now: () => now } } as unknown as Services
  return {
    ring,
    proofs,
    wait: (ms: number) => {
      now += ms
    },
    ask: (question: Partial<ProofQuestion> & { proof: string }, app = 'shop') =>
      verifyProof(services, { app, isTest: false }, { consume: false, ...question }),
    offline: (proof: string, audience = 'shop') =>
      jwtVerify(proof, createLocalJWKSet(proofs.keySet(now) as never), {
        issuer,
        audience,
        currentDate: new Date(now),
      }),
  }
}

for (const algorithm of ['EdDSA', 'ES256'] as const)
  test(`a token of ${algorithm} is verified by the published keys alone, with all its claims`, async () => {
    const { proofs, offline } = made(algorithm)
    const { proof, expiresAt } = proofs.of({ ...proved, nonce: 'n-1' }, plain)!
    const { payload, protectedHeader } = await offline(proof)
    const iat = start / 1000
    assert.deepEqual(payload, {
      iss: issuer,
      aud: 'shop',
      sub: 'u_42',
      iat,
      exp: iat + 600,
      jti: 'ver_v1',
      azp: 'shop',
      purpose: 'verify',
      amr: ['otp', 'sms'],
      phone_number: '+8613800138000',
      phone_number_verified: true,
      nonce: 'n-1',
    })
    assert.equal(expiresAt, (iat + 600) * 1000)
    assert.equal(protectedHeader.alg, algorithm)
    await assert.rejects(offline(proof, 'bank'), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' })
  })

test('a token of a mailbox names it, and one of a person without a name has no subject', () => {
  const { proofs } = made()
  const address = 'mailto:j@example.com'
  const claims = decodeJwt(
    proofs.of({ ...proved, address, subject: address, channel: 'email' }, plain)!.proof,
  )
  assert.equal(claims.email, 'j@example.com')
  assert.equal(claims.email_verified, true)
  assert.equal('sub' in claims, false)
  assert.deepEqual(claims.amr, ['otp', 'email'])
  assert.deepEqual(decodeJwt(proofs.of({ ...proved, channel: 'voice' }, plain)!.proof).amr, ['otp', 'tel'])
})

test('there is no token without a public URL, or for an app that wants none', () => {
  assert.equal(made('EdDSA', null).proofs.of(proved, plain), null)
  assert.equal(made().proofs.of(proved, { ...plain, form: 'none' }), null)
})

test('a hashed address is the same for an audience, also after a rotation, and another for others', () => {
  const { proofs, ring } = made()
  const hashOf = (change: Partial<Proved>) => {
    const { proof } = proofs.of({ ...proved, ...change }, { ...plain, form: 'hashed' })!
    assert.ok(!Buffer.from(proof.split('.')[1]!, 'base64url').includes('13800138000'))
    return decodeJwt(proof).address_hash
  }
  const first = hashOf({})
  assert.equal(hashOf({ id: 'v2', usedAt: start + 5 }), first)
  assert.notEqual(hashOf({ audience: 'bank' }), first)
  assert.notEqual(hashOf({ app: 'other' }), first)
  assert.notEqual(hashOf({ address: 'tel:+8613800138001' }), first)
  ring.replaceBy(parseKeyRing(`${firstKey}\n${newKeyLine(new Date(start - 86_400_000))}`))
  assert.equal(hashOf({}), first)
  const claims = decodeJwt(proofs.of({ ...proved, form: 'hashed' }, plain)!.proof) as never
  assert.equal(proofs.isAbout(claims, proved.address), true)
  assert.equal(proofs.isAbout(claims, 'tel:+8613800138001'), false)
})

test('no program that waits for a real proof takes that of a test key', async () => {
  const { proofs, offline } = made()
  const { proof } = proofs.of({ ...proved, byTestKey: true }, plain)!
  await assert.rejects(offline(proof), { code: 'ERR_JWT_CLAIM_VALIDATION_FAILED' })
  assert.equal((await offline(proof, 'test:shop')).payload.is_test, true)
})

test('the token of a verification is the same each time it is made', () => {
  const { proofs } = made()
  assert.deepEqual(proofs.of(proved, plain), proofs.of(proved, plain))
})

test('tokens stay valid through a rotation, and are refused when their key left the ring', async () => {
  const { proofs, ring, wait, ask, offline } = made()
  const { proof } = proofs.of(proved, plain)!
  const fresh = newKeyLine(new Date(start))
  ring.replaceBy(parseKeyRing(`${firstKey}\n${fresh}`))
  const during = proofs.of({ ...proved, usedAt: start + 5 * minuteMs }, plain)!.proof
  const after = proofs.of({ ...proved, usedAt: start + 12 * minuteMs }, plain)!.proof
  const kid = (token: string) => decodeProtectedHeader(token).kid
  assert.equal(kid(during), kid(proof))
  assert.notEqual(kid(after), kid(proof))
  wait(5 * minuteMs)
  assert.equal((await ask({ proof })).kind, 'valid')
  await offline(proof)
  ring.replaceBy(parseKeyRing(fresh))
  assert.deepEqual(await ask({ proof }), { kind: 'refused', reason: 'invalid' })
  await assert.rejects(offline(proof), { code: 'ERR_JWKS_NO_MATCHING_KEY' })
})

test('a token is refused when it is over, changed, not ours or for others', async () => {
  const { proofs, ask, wait } = made()
  const { proof } = proofs.of({ ...proved, audience: 'bank' }, plain)!
  const reasonOf = async (question: Partial<ProofQuestion>, app?: string) => {
    const answer = await ask({ proof, ...question }, app)
    return answer.kind === 'refused' ? answer.reason : answer.kind
  }
  assert.equal(await reasonOf({}), 'valid', 'the app that asked for it')
  assert.equal(await reasonOf({}, 'bank'), 'valid', 'the app that it is for')
  assert.equal(await reasonOf({}, 'thief'), 'audience')
  assert.equal(await reasonOf({ audience: 'bank' }), 'valid')
  assert.equal(await reasonOf({ audience: 'shop' }), 'audience')
  const phone = (e164: string) => ({ kind: 'phone', e164, region: 'CN' }) as const
  assert.equal(await reasonOf({ address: phone('+8613800138000') }), 'valid')
  assert.equal(await reasonOf({ address: phone('+8613800138001') }), 'address')
  const [head, body, signature] = proof.split('.') as [string, string, string]
  const forged = Buffer.from(JSON.stringify({ ...decodeJwt(proof), exp: 2_000_000_000 })).toString(
    'base64url',
  )
  const none = Buffer.from('{"alg":"none"}').toString('base64url')
  const other = made('ES256').proofs.of(proved, plain)!.proof
  for (const bad of ['', 'a.b.c', `${head}.${forged}.${signature}`, `${none}.${body}.`, other])
    assert.equal(await reasonOf({ proof: bad }), 'invalid')
  wait(11 * minuteMs)
  assert.equal(await reasonOf({}), 'expired')
  assert.equal(await reasonOf({}, 'thief'), 'audience')
})

test('a token is consumed once, whoever consumed it is answered again, and everyone can see it', async () => {
  const { proofs, ask, wait } = made('ES256')
  const { proof } = proofs.of(proved, plain)!
  const once = { key: 'one', fingerprint: 'f' }
  assert.equal((await ask({ proof })).kind, 'valid', 'a look consumes nothing')
  assert.equal((await ask({ proof, consume: true, once })).kind, 'valid')
  const consumed = { kind: 'refused', reason: 'consumed' }
  assert.deepEqual(await ask({ proof, consume: true }), consumed)
  assert.deepEqual(await ask({ proof, consume: true, once: { ...once, key: 'two' } }), consumed)
  assert.deepEqual(await ask({ proof }), consumed)
  const again = proofs.of(proved, plain)!.proof
  assert.notEqual(again, proof, 'signed anew')
  assert.deepEqual(await ask({ proof: again, consume: true }), consumed)
  wait(11 * minuteMs)
  assert.equal((await ask({ proof, consume: true, once })).kind, 'valid', 'the call that consumed it')
  assert.deepEqual(await ask({ proof, consume: true }), { kind: 'refused', reason: 'expired' })
})

test('a key of a call that consumed a token takes no other question', async () => {
  const { proofs, ask } = made()
  const [one, other] = ['v1', 'v2'].map((id) => proofs.of({ ...proved, id }, plain)!.proof)
  const once = { key: 'one', fingerprint: 'f' }
  const elsewise = { key: 'one', fingerprint: 'g' }
  await ask({ proof: one!, consume: true, once })
  assert.deepEqual(await ask({ proof: other!, consume: true, once: elsewise }), { kind: 'mismatch' })
  assert.deepEqual(await ask({ proof: other!, once: elsewise }), { kind: 'mismatch' })
  assert.equal((await ask({ proof: other!, consume: true })).kind, 'valid')
})
