import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { problem, type ScriptedPeer, startScriptedPeer } from '../test/scripted-peer.ts'
import { CountersignError } from './errors.ts'
import { Countersign } from './index.ts'

let peer: ScriptedPeer
let client: Countersign
const done = { status: 201, body: { id: 'ver_1' } }
const start = () => client.verifications.start({ to: '+8613800138000' })
const failure = (act: Promise<unknown>) =>
  act.then(
    () => assert.fail('it did not throw'),
    (error: CountersignError) => error,
  )

before(async () => {
  peer = await startScriptedPeer()
  client = new Countersign({ url: `${peer.url}/`, key: 'ck_test_1' })
})
afterEach(() => peer.asked.splice(0))
after(() => peer[Symbol.asyncDispose]())

test('a call has the key, JSON and an idempotency key, and no version unless one is pinned', async () => {
  peer.script(done)
  assert.deepEqual(await start(), { id: 'ver_1' })
  const [asked] = peer.asked
  assert.equal(`${asked!.method} ${asked!.path}`, 'POST /v1/verifications')
  assert.equal(asked!.headers.authorization, 'Bearer ck_test_1')
  assert.equal(asked!.headers['content-type'], 'application/json')
  assert.match(`${asked!.headers['idempotency-key']}`, /^[0-9a-f-]{36}$/)
  assert.equal(asked!.headers['countersign-version'], undefined)
  assert.equal(asked!.body, '{"to":"+8613800138000"}')
  await client.withOptions({ version: '2026-12-01' }).verifications.get('ver_1')
  assert.equal(peer.asked[1]!.headers['countersign-version'], '2026-12-01')
})

for (const [name, step] of [
  ['a connection that is cut', 'cut'],
  ['an answer that is cut', 'cut in the answer'],
  ['an answer that is no JSON', { status: 200, body: '<html>' }],
  ['503', problem('store-unavailable', 503)],
  ['502 of a proxy', { status: 502, body: '<h1>Bad Gateway</h1>' }],
  ['429 with a short Retry-After', problem('rate-limited', 429, { retry_after_s: 0.3 })],
  ['409 while our own try is under way', problem('idempotency-in-progress', 409, { retry_after_s: 0.3 })],
] as const)
  test(`after ${name} the call is made again with the same key`, async () => {
    peer.script(step, done)
    assert.deepEqual(await client.verifications.check('ver_1', '123456'), { id: 'ver_1' })
    const [first, second] = peer.asked
    assert.equal(peer.asked.length, 2)
    assert.equal(first!.headers['idempotency-key'], second!.headers['idempotency-key'])
    assert.equal(first!.body, second!.body)
    if (typeof step === 'object' && 'headers' in step && 'retry-after' in (step.headers ?? {}))
      assert.ok(second!.at - first!.at >= 300, 'not earlier than the server asked')
  })

for (const [name, step] of [
  ['400', problem('invalid-request', 400)],
  ['401', problem('unauthenticated', 401)],
  ['409', problem('state-conflict', 409)],
  ['422', problem('idempotency-mismatch', 422)],
  ['429 without Retry-After', problem('refused-by-guard', 429)],
  ['429 with a long Retry-After', problem('rate-limited', 429, { retry_after_s: 11 })],
  ['503 with a long Retry-After', problem('store-unavailable', 503, { retry_after_s: 60 })],
  ['a redirect', { status: 307, headers: { location: 'http://127.0.0.1:9/elsewhere' } }],
] as const)
  test(`after ${name} the call is not repeated`, async () => {
    peer.script(step, done)
    await failure(start())
    assert.equal(peer.asked.length, 1)
  })

test('a refusal has the type, the problem, the request id and the wait', async () => {
  peer.script(problem('rate-limited', 429, { retry_after_s: 60, limit: 'address', detail: 'Too soon.' }))
  const error = await failure(start())
  assert.ok(error instanceof CountersignError)
  assert.equal(error.type, 'rate-limited')
  assert.equal(error.status, 429)
  assert.equal(error.problem?.limit, 'address')
  assert.equal(error.requestId, 'r-1')
  assert.equal(error.retryAfterS, 60)
  assert.equal(error.message, 'Too soon.')
})

test('three tries are all, and the last failure is thrown', async () => {
  peer.script('cut', { status: 500 }, problem('store-unavailable', 503))
  const error = await failure(start())
  assert.equal(error.type, 'store-unavailable')
  assert.equal(peer.asked.length, 3)
})

test('tries can be forbidden', async () => {
  peer.script('cut', done)
  client = client.withOptions({ maxTries: 1 })
  assert.equal((await failure(start())).type, 'connection')
  client = client.withOptions({ maxTries: undefined })
})

test('a server that stays silent is given up in time', async () => {
  peer.script('silence')
  const error = await failure(client.verifications.get('ver_1', { timeoutMs: 50 }))
  assert.equal(error.type, 'connection')
  assert.equal(error.status, 0)
  assert.equal(peer.asked.length, 3)
})

test('no try begins when eight seconds are over', async ({ mock }) => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] })
  const begun: number[] = []
  const silent = ((_url, init) =>
    new Promise((_resolve, reject) => {
      begun.push(Date.now())
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
    })) as typeof fetch
  const ended = failure(client.withOptions({ fetch: silent, timeoutMs: 4500 }).verifications.get('ver_1'))
  let isOver = false
  void ended.then(() => (isOver = true))
  while (!isOver) {
    mock.timers.tick(100)
    await new Promise(setImmediate)
  }
  assert.equal(begun.length, 2)
  assert.ok(begun.every((at) => at <= 8000))
})

test('a signal ends a call under way, and one that waits for its next try', async () => {
  const reason = new Error('the person went away')
  for (const step of ['silence', problem('store-unavailable', 503, { retry_after_s: 9 })] as const) {
    peer.script(step)
    const abort = new AbortController()
    setTimeout(() => abort.abort(reason), 50)
    const startedAt = Date.now()
    await assert.rejects(client.verifications.start({ to: 'a@b.example' }, { signal: abort.signal }), reason)
    assert.ok(Date.now() - startedAt < 3000)
  }
  await assert.rejects(client.verifications.get('ver_1', { signal: AbortSignal.abort(reason) }), reason)
})

test('a deletion whose answer was lost has succeeded', async () => {
  peer.script('cut', problem('not-found', 404))
  assert.equal(await client.webhooks.delete('whk_1'), undefined)
  peer.script(problem('not-found', 404))
  assert.equal((await failure(client.webhooks.delete('whk_1'))).type, 'not-found')
})

test('an id cannot lead to another path', async () => {
  peer.script(done)
  await client.verifications.get('../keys?x#')
  assert.equal(peer.asked[0]!.path, '/v1/verifications/..%2Fkeys%3Fx%23')
})

test('a client without a key is refused at once', () => {
  assert.throws(() => new Countersign({ url: peer.url, key: undefined }), /needs a key/)
})
