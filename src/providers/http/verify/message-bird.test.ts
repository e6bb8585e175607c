import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { callOf } from '../../../../test/http-carrier.ts'
import { messageBird } from './message-bird.ts'

/** Of the reference that MessageBird's own libraries are tested with. */
const key = '36efdd1aace2e26cd490f0d951138253bef2f7c6d34d18981da781555cc4cebb'
const at = Date.parse('2021-07-05T12:00:00+02:00')
const url = 'https://example.com/path?bar=1&foo=2'
const head = 'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9'
const tokens = {
  plain: `${head}.eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ3OTIwMCwiZXhwIjoxNjI1NDc5MjYwLCJqdGkiOiJjOTQ2YWY3Ny1lMTgyLTRlYWEtYjJmZi0xYTU0NWI1ZTk5MWEiLCJ1cmxfaGFzaCI6IjQxZjA1ZjBkZGQwYTIyYWIyMDlhYzQ2ZjQ3YzQ1NzJkOWNlZmEyNTdlZDc0YjI0MDA0YmFlNzUzZWNlNmMyNjAifQ.huo2ou6JDoDc7sV25d75UMWeYhBeavQlLsqIibSZuac`,
  withBody: `${head}.eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ3OTIwMCwiZXhwIjoxNjI1NDc5MjYwLCJqdGkiOiI5M2U1NTAwNi1hMGU4LTQ1MjYtYTE5MC1mYTVmZjAwZWExMTYiLCJ1cmxfaGFzaCI6IjQxZjA1ZjBkZGQwYTIyYWIyMDlhYzQ2ZjQ3YzQ1NzJkOWNlZmEyNTdlZDc0YjI0MDA0YmFlNzUzZWNlNmMyNjAiLCJwYXlsb2FkX2hhc2giOiJkZmZkNjAyMWJiMmJkNWIwYWY2NzYyOTA4MDllYzNhNTMxOTFkZDgxYzdmNzBhNGIyODY4OGEzNjIxODI5ODZmIn0._H--TOuYFLpeEH39-rg5E3IHVkjHozBcaKVWPRC5m9I`,
  /** Its URL is https://example.com/, and it begins an hour later. */
  early: `${head}.eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ4MjgwMCwiZXhwIjoxNjI1NDgyODYwLCJqdGkiOiJmOWY4YzM4Mi0yNDQ5LTQzMTEtYjcyYi0xZGY3MTY4NzkzMWUiLCJ1cmxfaGFzaCI6IjBmMTE1ZGIwNjJiN2MwZGQwMzBiMTY4NzhjOTlkZWE1YzM1NGI0OWRjMzdiMzhlYjg4NDYxNzljNzc4M2U5ZDcifQ.ZELgDFNGhjZH9CffQKcq3sytBe2I0KciLxpBhcfstHQ`,
  /** Its URL is https://example.com/, and it ended an hour before. */
  late: `${head}.eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ3NTYwMCwiZXhwIjoxNjI1NDc1NjYwLCJqdGkiOiI1ZjAyZjUyMi02MDMwLTQ2YzgtYjVhMy0wMTI0NjQ3OGQ4YmMiLCJ1cmxfaGFzaCI6IjBmMTE1ZGIwNjJiN2MwZGQwMzBiMTY4NzhjOTlkZWE1YzM1NGI0OWRjMzdiMzhlYjg4NDYxNzljNzc4M2U5ZDcifQ.45MSST3B_2PsjNUeiuW54_vUQgVw4rBXrdWrOUEz3lM`,
  /** Of the URL with its parameters in another order. */
  sorted: `${head}.eyJpc3MiOiJNZXNzYWdlQmlyZCIsIm5iZiI6MTYyNTQ3OTIwMCwiZXhwIjoxNjI1NDc5MjYwLCJqdGkiOiJhNzVjOTA5Ni1lODIzLTQ0MmItODVmMi03ZDNjOWQ5YjcyNmIiLCJ1cmxfaGFzaCI6IjZhMDIyZDgzNGMxODMzMGJhYWQ4YTJiZDYxMzUxNzNlZDIxNjEwYTQ1NDUxNmJlMGRmM2YxY2MwMTUxNjEwZWEifQ.z6Sw1XQIM0wuEQGBhXBdawDIIrtMg2XnmA_bpDq53pE`,
}

type Change = {
  readonly key?: string
  readonly url?: string
  readonly body?: string
  readonly nowMs?: number
}

function isVerified(token: string, change: Change = {}): boolean {
  const own = { key, url, body: '', nowMs: at, ...change }
  const said = { document: undefined, text: '', headers: {}, query: new URLSearchParams() }
  const request = callOf({ method: 'GET', body: own.body, headers: { 'messagebird-signature-jwt': token } })
  return messageBird(() => own.key)({ request, said, url: own.url, nowMs: own.nowMs })
}

/** A token of our own making, to go wrong in one thing. */
function signed(claims: object, alg = 'HS256', by = key): string {
  const [a, b] = [{ alg, typ: 'JWT' }, claims].map((one) =>
    Buffer.from(JSON.stringify(one)).toString('base64url'),
  )
  const hash = { HS384: 'sha384', HS512: 'sha512' }[alg] ?? 'sha256'
  return `${a}.${b}.${createHmac(hash, by).update(`${a}.${b}`).digest('base64url')}`
}
const claims = JSON.parse(Buffer.from(tokens.plain.split('.')[1]!, 'base64url').toString()) as object

test('MessageBird: the tokens of its reference are verified, with a body and without', () => {
  assert.equal(isVerified(tokens.plain), true)
  assert.equal(isVerified(tokens.withBody, { body: 'Hello, World!' }), true)
  for (const alg of ['HS256', 'HS384', 'HS512']) assert.equal(isVerified(signed(claims, alg)), true, alg)
})

test('MessageBird: those that its reference refuses are not', () => {
  assert.equal(isVerified(tokens.early, { url: 'https://example.com/' }), false)
  assert.equal(isVerified(tokens.early, { url: 'https://example.com/', nowMs: at + 3_600_000 }), true)
  assert.equal(isVerified(tokens.late, { url: 'https://example.com/' }), false)
  assert.equal(isVerified(tokens.late, { url: 'https://example.com/', nowMs: at - 3_600_000 }), true)
  assert.equal(isVerified(tokens.sorted, { url: 'https://example.com/path?foo=1&bar=2' }), false)
  assert.equal(isVerified(tokens.withBody, { body: 'Hello, world!' }), false)
  assert.equal(isVerified(tokens.withBody), false, 'its body is missing')
  assert.equal(isVerified(tokens.plain, { body: 'Hello, World!' }), false, 'its body is not signed')
})

test('MessageBird: no other key, issuer, algorithm or text is taken', () => {
  const unsigned = Buffer.from('{"alg":"none"}').toString('base64url')
  for (const token of [
    '',
    'x',
    '..',
    tokens.plain.slice(0, -1),
    `${unsigned}.${tokens.plain.split('.')[1]}.`,
    signed(claims, 'none'),
    signed(claims, 'HS256', 'other'),
    signed({ ...claims, iss: 'Other' }),
    signed({ ...claims, exp: undefined }),
    signed({ ...claims, exp: 'never' }),
    signed({ ...claims, url_hash: undefined }),
    signed([]),
  ])
    assert.equal(isVerified(token), false, token)
  assert.equal(isVerified(signed(claims, 'HS256', ''), { key: '' }), false, 'without a key none is')
})
