import assert from 'node:assert/strict'
import { verify } from 'node:crypto'
import { test } from 'node:test'
import { calculateJwkThumbprint, importJWK } from 'jose'
import { newKeyLine, parseKeyRing } from './key-ring.ts'
import { proofAlgorithms, publishedKeys, signingKey } from './proof-keys.ts'

const hourMs = 3_600_000
const minuteMs = 60_000
const start = Date.parse('2026-11-30T12:00:00Z')
const line = (id: string, byte: number) => `${id}:${Buffer.alloc(32, byte).toString('base64url')}`

const kidsOf = (text: string, now: number) =>
  publishedKeys(parseKeyRing(text), 'EdDSA', now).map(({ kid }) => kid)
const signerOf = (text: string, now: number) => signingKey(parseKeyRing(text), 'EdDSA', now).kid

for (const algorithm of proofAlgorithms)
  test(`a key of ${algorithm} is the same wherever its ring is, and its kid is its thumbprint`, async () => {
    const [one, same, other] = [line('a', 1), line('b', 1), line('a', 2)].map((text) =>
      signingKey(parseKeyRing(text), algorithm, start),
    )
    assert.equal(one!.kid, same!.kid)
    assert.notEqual(one!.kid, other!.kid)
    assert.equal(one!.kid, await calculateJwkThumbprint(one!.jwk as never))
    assert.equal(one!.jwk.d, undefined)
    await importJWK(one!.jwk as never)
    const options = { key: one!.publicKey, dsaEncoding: 'ieee-p1363' } as const
    const hashed = algorithm === 'EdDSA' ? null : 'sha256'
    const signature = Buffer.from(one!.sign('text'), 'base64url')
    assert.equal(verify(hashed, Buffer.from('text'), options, signature), true)
    assert.equal(verify(hashed, Buffer.from('Text'), options, signature), false)
  })

test('a derived key never changes, or proof tokens from before an upgrade would be refused', () => {
  const ring = parseKeyRing(line('a', 1))
  assert.deepEqual(
    proofAlgorithms.map((algorithm) => signingKey(ring, algorithm, start).kid),
    ['Dm-R9zIJ_66YcwLJgbCgRdS_gfz6FA4ZPf7z1Cp7B_I', 'dDU3MnpyJmzuoYY4c-MY8-RwE6JJG0dEYq8V33o6aqI'],
  )
})

test('a new key is published at once, and signs when every verifier can have read it', () => {
  const before = newKeyLine(new Date(start - 90 * 24 * hourMs))
  const ring = `${before}\n${newKeyLine(new Date(start))}`
  const [old, fresh] = kidsOf(ring, start)
  assert.equal(signerOf(before, start), old)
  assert.ok(fresh)
  assert.equal(signerOf(ring, start), old)
  assert.equal(signerOf(ring, start + 10 * minuteMs), old)
  assert.equal(signerOf(ring, start + 11 * minuteMs), fresh)
})

test('an old key is published for 48 hours after it signed for the last time', () => {
  const before = newKeyLine(new Date(start - 90 * 24 * hourMs))
  const ring = `${before}\n${newKeyLine(new Date(start))}`
  assert.equal(kidsOf(ring, start + 48 * hourMs).length, 2)
  assert.equal(kidsOf(ring, start + 48 * hourMs + 12 * minuteMs).length, 1)
  assert.equal(kidsOf(ring, start + 48 * hourMs + 12 * minuteMs)[0], signerOf(ring, start + hourMs))
})

test('a key that left the ring is not published', () => {
  const fresh = newKeyLine(new Date(start))
  assert.deepEqual(kidsOf(fresh, start), [signerOf(fresh, start)])
})

test('of keys with ids of the operator the last signs, and all are published', () => {
  const ring = `${line('first', 1)}\n${line('second', 2)}`
  assert.equal(kidsOf(ring, start).length, 2)
  assert.equal(signerOf(ring, start), signerOf(line('x', 2), start))
})

test('an id of an earlier version stands for the end of its day', () => {
  const ring = `${line('k20261101-aaaaaa', 1)}\n${line('k20261130-123456', 2)}`
  const [old, fresh] = kidsOf(ring, start)
  assert.equal(signerOf(ring, start), old)
  assert.equal(signerOf(ring, start + 13 * hourMs), fresh)
  assert.equal(kidsOf(ring, start + 13 * hourMs + 48 * hourMs).length, 1)
})

test('the only key signs from the start', () => {
  const ring = newKeyLine(new Date(start))
  assert.deepEqual(kidsOf(ring, start), [signerOf(ring, start)])
})
