/** Answers of the API that no other test has a use for: above all, an `Idempotency-Key` that comes with another body. */

import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { type Api, apiWith, told } from './api.ts'
import { openShop, returnUrl, type Shop } from './hosted-page.ts'
import { newNumber } from './server.ts'

let shop: Shop & AsyncDisposable
let api: Api
let tests: Api
before(async () => {
  shop = await openShop('limits: none')
  api = await apiWith(shop.server)
  tests = await apiWith(shop.server, '--test')
})
after(() => shop?.[Symbol.asyncDispose]())

const landline = '+861062782266'

let keys = 0
/** Makes a call twice by one key, the second time with another body. */
async function twice(
  call: (body: object, headers: Record<string, string>) => Promise<{ status: number }>,
  ...bodies: [object, object]
) {
  const headers = { 'idempotency-key': `twice-${keys++}` }
  const first = await call(bodies[0], headers)
  assert.ok(first.status < 300, JSON.stringify(first))
  const second = (await call(bodies[1], headers)) as Parameters<typeof told>[0]
  assert.equal(told(second), '422 idempotency-mismatch', second.text)
}

type Pow = { algorithm: string; salt: string; challenge: string; signature: string; max: number }

/** As the widget of ALTCHA does. */
function solutionOf(challenge: unknown): string {
  const { kinds } = challenge as { kinds: Pow[] }
  const { algorithm, salt, challenge: wanted, signature, max } = kinds[0]!
  for (let number = 0; number <= max; number++)
    if (hash('sha256', `${salt}${number}`) === wanted)
      return Buffer.from(JSON.stringify({ algorithm, challenge: wanted, number, salt, signature })).toString(
        'base64',
      )
  throw new Error('no number solves it')
}

test('a key of a call takes no other body, whatever the call', async () => {
  const { id, secret } = (await api.start(newNumber())).json
  const publicly = (body: object, headers = {}) =>
    shop.server.call('POST', `/v1/public/verifications/${id}/check`, { body: { secret, ...body }, headers })
  await twice(publicly, { code: '1' }, { code: '2' })
  await twice(
    (body, headers) => api.post(`/verifications/${id}/send`, body, headers),
    {},
    { channel: 'voice' },
  )
  const held = (await tests.start(newNumber(), { test: { risk: 'challenge' } })).json
  const solution = solutionOf(held.challenge)
  await twice(
    (body, headers) => tests.post(`/verifications/${held.id}/challenge`, body, headers),
    { solution },
    { solution: 'eyJ9' },
  )
})

test('a key of a call on the hosted page takes no other body', async () => {
  const { token: first } = await shop.session()
  const page = (token: string, path: string) => (body: object, headers: Record<string, string>) =>
    shop.server.call('POST', `/v1/public/sessions/${token}${path}`, { body, headers })
  await twice(page(first, '/start'), { to: newNumber() }, { to: newNumber() })
  const to = newNumber()
  const token = String((await shop.page(first, '/start', { to })).json.token)
  await twice(page(token, '/send'), {}, { channel: 'voice' })
  await twice(page(token, '/check'), { code: '1' }, { code: '2' })
  const checked = await shop.page(token, '/check', { code: await shop.server.codeFor(to) })
  const result = new URL(String(checked.json.return_url)).searchParams.get('result')!
  await twice((body, headers) => shop.call('/v1/sessions/redeem', body, headers), { result }, { result: 'x' })

  const asked = await shop.session({ test: { risk: 'challenge' } }, tests.key)
  const held = (await shop.page(asked.token, '/start', { to: newNumber() })).json as {
    token: string
    verification: { challenge: unknown }
  }
  const solution = solutionOf(held.verification.challenge)
  await twice(page(held.token, '/challenge'), { solution }, { solution: 'eyJ9' })
  assert.equal(told(await page(held.token, '/challenge')({ solution }, {})), '409 state-conflict')
  for (const path of ['/send', '/challenge'])
    assert.equal(told(await page('none', path)(path === '/send' ? {} : { solution }, {})), '404 not-found')
})

test('a held verification takes no code, also from whoever has its secret', async () => {
  const { id, secret } = (await tests.start(newNumber(), { test: { risk: 'challenge' } })).json
  const answer = await shop.server.call('POST', `/v1/public/verifications/${id}/check`, {
    body: { secret, code: '1' },
  })
  assert.equal(told(answer), '409 state-conflict')
})

test('an address that is none, and one that gets no messages, are refused wherever one is taken', async () => {
  for (const [to, problem] of [
    ['x@', '422 address-invalid'],
    [landline, '422 address-unreachable'],
  ] as const) {
    assert.equal(told(await api.post('/verifications/search', { to })), problem)
    assert.equal(told(await shop.call('/v1/sessions', { to, return_url: returnUrl })), problem)
    assert.equal(told(await api.post('/proofs/verify', { proof: 'x', to })), problem)
  }
})

test('a problem has a page, and the document is served', async () => {
  const { call } = shop.server
  assert.equal((await call('GET', '/v1/problems/rate-limited')).status, 200)
  assert.equal(told(await call('GET', '/v1/problems/none')), '404 not-found')
  assert.equal((await call('GET', '/v1/openapi.json')).json.openapi, '3.1.0')
})

test('so many calls may wait for events of an app, and no more', async () => {
  const reader = await apiWith(shop.server, '--scope', 'events:read')
  let refused: Awaited<ReturnType<typeof reader.get>> | undefined
  // Calls that come again until one is refused: on a busy machine the first may be over before the last one waits.
  const wait = async () => {
    for (const end = performance.now() + 60_000; !refused && performance.now() < end; ) {
      const answer = await reader.get('/events?types=contact.changed&wait_s=2')
      if (answer.status !== 200) refused ??= answer
    }
  }
  await Promise.all(Array.from({ length: 22 }, wait))
  assert.equal(told(refused!), '429 rate-limited')
  assert.equal(refused!.json.limit, 'event-waiters')
})
