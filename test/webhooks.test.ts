/** Events over HTTP: the feed, and endpoints that they are posted to. */

import assert from 'node:assert/strict'
import { verify as verifySignature } from 'node:crypto'
import { after, before, type TestContext, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import { type Api, apiWith, otherThan, told } from './api.ts'
import { openStoreOf } from './engine.ts'
import { newNumber, type Server, startServer } from './server.ts'
import { until } from './until.ts'
import { type Posted, startWebhookReceiver, type WebhookReceiver } from './webhook-receiver.ts'

let server: Server
let api: Api
let receiver: WebhookReceiver
before(async () => {
  server = await startServer({ args: ['--limits', 'none'] })
  api = await apiWith(server, '--scope', 'verifications:write', 'verifications:read', 'events:read', 'admin')
  receiver = await startWebhookReceiver()
})
after(async () => {
  await server?.[Symbol.asyncDispose]()
  await receiver?.[Symbol.asyncDispose]()
})

const call = (method: string, path: string, body?: unknown) =>
  server.call(method, `/v1${path}`, {
    headers: { authorization: `Bearer ${api.key}` },
    ...(body !== undefined && { body }),
  })
/** An endpoint for one test: left behind by one that fails, it would make the next ones fail. */
const create = async (t: TestContext, more: object = {}) => {
  const made = await api.post('/webhooks', { url: `${receiver.url}/hook?a=1`, ...more })
  assert.equal(told(made), '201', made.text)
  t.after(() => remove(String(made.json.id)))
  return made.json as { id: string; secret: string; public_key: string | null }
}
const remove = async (id: string) => {
  const removed = await call('DELETE', `/webhooks/${id}`)
  assert.ok([204, 404].includes(removed.status), removed.text)
  return removed
}
const of = (id: unknown): Posted[] => receiver.posted.filter((one) => one.verification === id)
const typesOf = (posted: readonly Posted[]) => posted.map(({ type }) => type.replace('verification.', ''))

/** Starts one, enters a wrong code, then the right one. */
async function wholeLife(): Promise<string> {
  const to = newNumber()
  const { id } = (await api.start(to, { subject: 'u_1', metadata: { cart: '7' } })).json as { id: string }
  const code = await server.codeFor(to)
  // The sandbox has it a moment before the dispatch is recorded.
  await until(async () => (await eventsOf(id)).includes('verification.sent'))
  await api.check(id, otherThan(code))
  assert.equal((await api.check(id, code)).json.result, 'verified')
  return id
}

type FeedPage = {
  events: { id: string; type: string; data: Record<string, unknown> }[]
  next: string
  has_more: boolean
}
const feed = async (query: string) => (await api.get(`/events${query}`)).json as FeedPage
async function eventsOf(id: string): Promise<string[]> {
  const { events } = await feed(`?after=${start}`)
  return events.filter(({ data }) => data.verification === id).map(({ type }) => type)
}
/** The place in the feed before the test. */
let start = ''

test('a life of a code is posted in order, signed so that the library of Standard Webhooks takes it, and is in the feed', async (t) => {
  const { id, secret, public_key: publicKey } = await create(t, { asymmetric: true, description: 'ours' })
  start = (await feed('?wait_s=0')).next ?? ''
  const first = await api.start(newNumber())
  start = (await until(async () => (await feed('')).next)) || ''
  assert.equal(first.status, 201)
  const verification = await wholeLife()
  const posted = await until(() => of(verification).length >= 4 && of(verification))
  assert.deepEqual(typesOf(posted), ['created', 'sent', 'refused', 'used'])
  for (const { body, headers, data } of posted) {
    assert.deepEqual(new Webhook(secret).verify(body, headers), JSON.parse(body))
    assert.throws(() => new Webhook(secret).verify(`${body} `, headers))
    assert.deepEqual(
      [data.app, data.subject, data.metadata, data.purpose, data.is_test],
      [server.app.id, 'u_1', { cart: '7' }, 'verify', false],
    )
    assert.match(String(data.to_masked), /^\+86138\*{4}\d{4}$/)
    assert.doesNotMatch(body, /\+86138\d/)
    const asymmetric = headers['webhook-signature']!.split(' ').find((one) => one.startsWith('v1a,'))!
    const x = Buffer.from(publicKey!.slice('whpk_'.length), 'base64').toString('base64url')
    const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
    const key = { key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' } as const
    assert.ok(verifySignature(null, Buffer.from(signed), key, Buffer.from(asymmetric.slice(4), 'base64')))
  }
  assert.equal(posted[0]!.path, '/hook?a=1')
  assert.equal(posted[0]!.headers['webhook-id'], posted[0]!.id)
  assert.deepEqual(
    await eventsOf(verification),
    posted.map(({ type }) => type),
  )
  // Recorded a moment after they were posted.
  const recorded = await until(async () => {
    const { deliveries } = (await api.get(`/webhooks/${id}/deliveries?limit=100`)).json as {
      deliveries: { event: string; state: string; status: number; tries: number }[]
    }
    const found = deliveries.filter(({ event }) => posted.some((one) => one.id === event))
    return found.length === posted.length && found
  })
  assert.deepEqual(
    recorded.map(({ event, state, status, tries }) => ({ event, state, status, tries })),
    posted.toReversed().map((one) => ({ event: one.id, state: 'delivered', status: 204, tries: 1 })),
  )
})

test('the feed waits for an event, gives only the types asked for, and knows no place that is not there', async () => {
  const { next } = await feed('')
  const waiting = feed(`?after=${next}&types=verification.refused&wait_s=20`)
  const to = newNumber()
  const { id } = (await api.start(to)).json
  assert.equal((await api.check(id, otherThan(await server.codeFor(to)))).json.reason, 'wrong')
  const page = await waiting
  assert.deepEqual(
    page.events.map(({ type, data }) => [type, data.verification]),
    [['verification.refused', id]],
  )
  const idle = await feed(`?after=${page.next}&types=contact.changed`)
  assert.deepEqual(idle.events, [])
  assert.equal(told(await api.get(`/events?after=evt_${'0'.repeat(44)}`)), '404 not-found')
  assert.equal(told(await api.get('/events?after=me')), '404 not-found')
  assert.equal(told(await api.get('/events?types=nothing')), '400 invalid-request')
  const mute = await apiWith(server, '--scope', 'verifications:write')
  assert.equal(told(await mute.get('/events')), '403 forbidden')
})

test('a post that is not taken comes again with the same id and body; later events of its verification wait, others do not', async (t) => {
  const { id, secret } = await create(t)
  let fails = 2
  let failing = ''
  const behaviours = ['redirect', 500, 'reset'] as const
  receiver.behaviour = (nth, { type, verification }) => {
    if (type !== 'verification.created' || fails === 0) return 'accept'
    failing ||= verification
    if (verification !== failing) return 'accept'
    fails--
    return behaviours[nth % behaviours.length]!
  }
  const slow = (await api.start(newNumber())).json.id
  await until(() => of(slow).length > 0)
  const other = (await api.start(newNumber())).json.id
  await until(() => typesOf(of(other)).includes('sent'))
  // The next try is five seconds after the first, the one after it half a minute later.
  await until(() => of(slow).length >= 2)
  const [first, again] = of(slow)
  assert.deepEqual([again!.id, again!.body], [first!.id, first!.body])
  assert.deepEqual(new Set(typesOf(of(slow))), new Set(['created']), 'what comes later waits')
  const { deliveries } = (await api.get(`/webhooks/${id}/deliveries`)).json as {
    deliveries: { event: string; state: string; tries: number; next_at: string | null }[]
  }
  const waiting = deliveries.find(({ event }) => event === first!.id)!
  assert.equal(waiting.state, 'waiting')
  fails = 0
  // Asked for, it is posted at once, and the others follow.
  const replayed = await api.post(`/webhooks/${id}/deliveries/${first!.id}/replay`)
  assert.equal(told(replayed), '202', replayed.text)
  await until(() => typesOf(of(slow)).includes('sent'))
  assert.deepEqual(typesOf(of(slow)).slice(-2), ['created', 'sent'])
  for (const { body, headers } of of(slow)) new Webhook(secret).verify(body, headers)
  assert.equal(
    receiver.posted.some(({ path }) => path === '/elsewhere'),
    false,
    'no redirect is followed',
  )
  assert.equal(
    told(await api.post(`/webhooks/${id}/deliveries/evt_${'0'.repeat(44)}/replay`)),
    '404 not-found',
  )
  receiver.behaviour = 'accept'
})

test('an endpoint that is gone gets no more, until it is enabled again', async (t) => {
  const { id } = await create(t, { types: ['verification.created'] })
  receiver.behaviour = 410
  const gone = (await api.start(newNumber())).json.id
  const read = async () => (await api.get(`/webhooks/${id}`)).json
  await until(async () => (await read()).enabled === false)
  assert.equal((await read()).disabled_by, 'gone')
  receiver.behaviour = 'accept'
  const missed = String((await api.start(newNumber())).json.id)
  // An event gets its place in the feed a moment after its act over Redis, and the endpoint gets those from its place on.
  await until(async () => (await eventsOf(missed)).includes('verification.created'))
  const enabled = await call('PATCH', `/webhooks/${id}`, { enabled: true })
  assert.deepEqual([enabled.json.enabled, enabled.json.disabled_by], [true, null])
  const later = (await api.start(newNumber())).json.id
  await until(() => of(later).length > 0)
  assert.deepEqual([of(gone).length, of(missed).length, typesOf(of(later))], [1, 0, ['created']])
})

test('while a secret changes both sign, and then the new one alone', async (t) => {
  const { id, secret } = await create(t, { types: ['verification.created'] })
  const next = async () => {
    const verification = (await api.start(newNumber())).json.id
    const [posted] = await until(() => of(verification).length > 0 && of(verification))
    return (by: string) => {
      try {
        return new Webhook(by).verify(posted!.body, posted!.headers) !== undefined
      } catch {
        return false
      }
    }
  }
  const rotated = await call('PATCH', `/webhooks/${id}`, { secret: 'rotate' })
  const fresh = rotated.json.secret as string
  assert.match(fresh, /^whsec_[A-Za-z0-9+/]{43}=$/)
  assert.notEqual(fresh, secret)
  const both = await next()
  assert.deepEqual([both(secret), both(fresh)], [true, true])
  const retired = await call('PATCH', `/webhooks/${id}`, { secret: 'retire' })
  assert.equal(retired.json.secret, undefined)
  const one = await next()
  assert.deepEqual([one(secret), one(fresh)], [false, true])
  assert.doesNotMatch((await api.get(`/webhooks/${id}`)).text, /whsec_/)
})

test('an endpoint is made once for each idempotency key, belongs to its app, and may be tried', async (t) => {
  const headers = { 'idempotency-key': 'one' }
  const body = { url: receiver.url, types: ['verification.used'] }
  const [first, again] = [
    await api.post('/webhooks', body, headers),
    await api.post('/webhooks', body, headers),
  ]
  assert.equal(again.text, first.text)
  assert.equal(again.headers.get('idempotency-replayed'), 'true')
  const other = await api.post('/webhooks', { ...body, types: null }, headers)
  assert.equal(told(other), '422 idempotency-mismatch')
  const { id } = first.json as { id: string }
  const tried = await api.post(`/webhooks/${id}/test`)
  assert.deepEqual([tried.json.delivered, tried.json.status, tried.json.reason], [true, 204, ''])
  const posted = receiver.posted.find((one) => one.id === tried.json.event)!
  assert.equal(posted.type, 'webhook.test')
  new Webhook(first.json.secret as string).verify(posted.body, posted.headers)
  const trial = () => api.post(`/webhooks/${id}/test`, {}, { 'idempotency-key': 'trial' })
  const trials = [await trial(), await trial()]
  assert.equal(trials[1]!.text, trials[0]!.text)
  assert.equal(receiver.posted.filter(({ id: event }) => event === trials[0]!.json.event).length, 1)
  receiver.behaviour = 503
  const failed = await api.post(`/webhooks/${id}/test`)
  assert.deepEqual([failed.json.delivered, failed.json.status], [false, 503])
  receiver.behaviour = 'accept'
  const unknown = `whk_${'0'.repeat(32)}`
  for (const one of callsOn(unknown)) assert.equal(told(await call(...one)), '404 not-found', one.join(' '))
  for (const one of callsOn('me')) assert.equal(told(await call(...one)), '404 not-found', one.join(' '))
  const mute = await apiWith(server, '--scope', 'events:read')
  assert.equal(told(await mute.get('/webhooks')), '403 forbidden')
  const { webhooks } = (await api.get('/webhooks')).json as { webhooks: { id: string }[] }
  assert.deepEqual(
    webhooks.map((one) => one.id),
    [id],
  )
  for (let nth = 1; nth < 20; nth++) await create(t)
  const full = await api.post('/webhooks', { url: receiver.url })
  assert.equal(told(full), '400 invalid-request')
  assert.equal((await remove(id)).status, 204)
})

test('the call that made an endpoint gets its first secret again while that signs, and no later one', async (t) => {
  const make = () => api.post('/webhooks', { url: receiver.url }, { 'idempotency-key': 'first' })
  const { id, secret } = (await make()).json as { id: string; secret: string }
  t.after(() => remove(id))
  const rotated = await call('PATCH', `/webhooks/${id}`, { secret: 'rotate' })
  assert.notEqual(rotated.json.secret, secret)
  assert.equal((await make()).json.secret, secret)
  await call('PATCH', `/webhooks/${id}`, { secret: 'retire' })
  const late = await make()
  assert.equal(told(late), '409 state-conflict', late.text)
  assert.doesNotMatch(late.text, /whsec_/)
})

test('the events of what a test key started are read by a live key alone, and say so', async () => {
  const tests = await apiWith(server, '--test')
  const { next } = await feed('')
  const { id } = (await tests.start(newNumber())).json
  const { events } = await feed(`?after=${next}&types=verification.created&wait_s=20`)
  assert.deepEqual(
    events.map(({ data }) => [data.verification, data.is_test]),
    [[id, true]],
  )
  assert.equal(told(await tests.get('/events')), '403 forbidden')
})

const callsOn = (id: string): [method: string, path: string, body?: unknown][] => [
  ['GET', `/webhooks/${id}`],
  ['PATCH', `/webhooks/${id}`, { enabled: true }],
  ['DELETE', `/webhooks/${id}`],
  ['POST', `/webhooks/${id}/test`],
  ['GET', `/webhooks/${id}/deliveries`],
  ['POST', `/webhooks/${id}/deliveries/evt_${'0'.repeat(44)}/replay`, {}],
]

test('URLs that are none, have a secret in them, or lead into a private network are refused', async () => {
  for (const url of [
    'ftp://shop.example/',
    'shop.example',
    'https://user:secret@shop.example/',
    'https://shop.example/#x',
    'http://shop.example.com/',
    'https://10.0.0.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://[fd00::1]/',
    'https://[::ffff:10.0.0.1]/',
    'https://192.168.1.1:8443/',
    `https://shop.example/${'x'.repeat(2_000)}`,
  ]) {
    const answer = await api.post('/webhooks', { url })
    assert.equal(told(answer), '400 invalid-request', url)
  }
})

test('whoever makes, changes and deletes an endpoint is in the audit, and nothing of its URL', async () => {
  await using store = await openStoreOf(server.dataFolder)
  const before = (await store.audit.head())?.seq ?? 0
  const made = await api.post('/webhooks', { url: `${receiver.url}/secret-path` })
  const id = String(made.json.id)
  assert.equal(told(await call('PATCH', `/webhooks/${id}`, { description: 'Anna', enabled: false })), '200')
  assert.equal(told(await call('PATCH', `/webhooks/${id}`, { secret: 'rotate' })), '200')
  assert.equal(
    told(await call('PATCH', `/webhooks/whk_${'0'.repeat(32)}`, { enabled: false })),
    '404 not-found',
  )
  assert.equal((await remove(id)).status, 204)
  assert.equal((await remove(id)).status, 404)
  const entries = await store.audit.read({ after: before, most: 100 })
  assert.deepEqual(
    entries.map(({ act, details: { key, ...details } }) => [act, key, details]),
    [
      ['webhook.add', api.id, {}],
      ['webhook.update', api.id, { changed: 'description', isEnabled: false }],
      ['webhook.update', api.id, { changed: '', secret: 'rotate' }],
      ['webhook.delete', api.id, {}],
    ],
  )
  for (const { actor, target, requestId } of entries) {
    assert.deepEqual([actor, target], [{ kind: 'app', id: server.app.id }, id])
    assert.ok(requestId)
  }
  assert.equal(entries[0]!.requestId, made.headers.get('x-request-id'))
  assert.doesNotMatch(JSON.stringify(entries), /secret-path|Anna|127\.0\.0\.1/)
})
