import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { defaultPolicy } from '../../config/app-policy.ts'
import { newApiKey } from '../../directory/api-key.ts'
import { AppError } from '../../errors.ts'
import type { KeyHolder } from '../../flows/api-keys.ts'
import { Type } from '../../json-schema.ts'
import { createServer } from '../server.ts'
import { nativeDialect } from './dialect.ts'
import { problemRoute } from './problem-pages.ts'
import { problems } from './problems.ts'
import { type NativeContext, type Route, route } from './route.ts'

const newKey = (change: Partial<Parameters<typeof newApiKey>[0]> = {}) =>
  newApiKey({
    tenant: 't',
    app: 'a',
    name: 'K',
    kind: 'server',
    isTest: false,
    scopes: ['verifications:write'],
    origins: [],
    networks: [],
    createdAt: 0,
    expiresAt: null,
    ...change,
  })
const keys = {
  server: newKey(),
  reader: newKey({ scopes: ['events:read'] }),
  elsewhere: newKey({ networks: ['192.0.2.0/24'] }),
  page: newKey({ kind: 'publishable', scopes: [], origins: ['https://shop.example'] }),
  /** As they could be made once. */
  oldTest: newKey({ isTest: true, scopes: ['verifications:write', 'events:read', 'admin'] }),
}
const holders = new Map(
  Object.values(keys).map(({ key, secret }) => [secret, { key, app: { id: 'a' } } as KeyHolder]),
)

let acts = 0
let open: (() => void) | undefined
const of = (declaration: Partial<Route>): Route =>
  route({
    operationId: 'x',
    method: 'POST',
    path: '/x',
    tag: 'X',
    summary: '',
    access: 'verifications:write',
    answers: {},
    problems: [],
    handle: () => ({ status: 200, body: {} }),
    ...declaration,
  } as never)
const text = Type.String({ maxLength: 3 })
const closed = { additionalProperties: false }
const routes: readonly Route[] = [
  problemRoute,
  of({
    path: '/codes/{id}/send',
    body: Type.Object(
      { to: text, pairs: Type.Optional(Type.Record(text, text, { maxProperties: 2 })) },
      closed,
    ),
    handle: (_, { params, body, query }) => ({ status: 202, body: { params, body, query } }),
  }),
  of({
    method: 'GET',
    path: '/list',
    query: Type.Object({ limit: Type.Optional(Type.Integer({ maximum: 9 })) }, closed),
    handle: (_, { query }) => ({ status: 200, body: query as object }),
  }),
  of({
    path: '/once',
    body: Type.Object({ n: Type.Optional(Type.Integer()), m: Type.Optional(Type.Integer()) }, closed),
    async handle(_, { once }) {
      acts++
      await new Promise<void>((resolve) => {
        open = resolve
      })
      return { status: 200, body: { ...once } }
    },
  }),
  of({ path: '/session', access: 'publishable' }),
  of({ path: '/feed', access: 'events:read' }),
  of({ path: '/hooks', access: 'admin' }),
  of({ path: '/public/check', access: 'public' }),
  of({
    path: '/away',
    handle() {
      throw new AppError('store.unavailable', 'away')
    },
  }),
  of({
    path: '/broken',
    handle() {
      throw new Error('broken')
    },
  }),
  of({
    path: '/limit',
    handle: () => ({ problem: 'rate-limited', members: { limit: 'app' }, retryAfterMs: 1001 }),
  }),
]

const errors: unknown[] = []
const context = {
  services: {
    apiKeys: { find: (secret: string) => holders.get(secret) },
    publicUrl: () => null,
    policyOf: () => defaultPolicy,
    hasLimits: false,
  },
  document: () => '{}',
} as unknown as NativeContext
const server = createServer({
  tls: null,
  trustedProxies: [],
  dialects: [{ prefix: '/v1', dialect: nativeDialect(context, routes) }],
  onAnswer() {},
  onError: (error) => errors.push(error),
})
let base: string
before(async () => {
  base = await server.listen({ host: '127.0.0.1', port: 0 })
})
after(() => server.close())

type Sent = { secret?: string | null; body?: unknown; headers?: Record<string, string> }
async function call(method: string, path: string, { secret = keys.server.secret, body, headers }: Sent = {}) {
  const answer = await fetch(`${base}${path}`, {
    method,
    headers: { ...(secret !== null && { authorization: `Bearer ${secret}` }), ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const read = await answer.text()
  const json = answer.headers.get('content-type')?.includes('json') ? JSON.parse(read) : {}
  return { status: answer.status, headers: answer.headers, json, text: read }
}
const problemOf = ({ status, json }: Awaited<ReturnType<typeof call>>) =>
  `${status} ${String(json.type).split('/').at(-1)}`

test('a problem has its five members, its type leads to a page of this server, and its instance is the request', async () => {
  const { headers, json } = await call('POST', '/v1/none', { headers: { 'x-request-id': 'mine' } })
  assert.deepEqual(json, {
    type: `${base}/v1/problems/not-found`,
    title: problems['not-found'].title,
    status: 404,
    detail: 'There is no such path.',
    instance: 'mine',
  })
  assert.match(headers.get('content-type')!, /^application\/problem\+json/)
  assert.equal(headers.get('x-request-id'), 'mine')
})

test('every type has a page for people, under a policy that permits nothing else, and JSON for programs', async () => {
  for (const [type, { title, status }] of Object.entries(problems)) {
    const described = await call('GET', `/v1/problems/${type}`, { secret: null })
    assert.deepEqual([described.json.title, described.json.status], [title, status])
    const page = await call('GET', `/v1/problems/${type}`, {
      secret: null,
      headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' },
    })
    assert.match(page.headers.get('content-type')!, /^text\/html/)
    assert.match(page.headers.get('content-security-policy')!, /^default-src 'none'; style-src 'sha256-/)
    assert.ok(page.text.includes(`<h1>${title}</h1>`))
    assert.doesNotMatch(page.text, /<script|style=|undefined/)
  }
  for (const none of ['none', '__proto__', 'constructor'])
    assert.equal(problemOf(await call('GET', `/v1/problems/${none}`, { secret: null })), '404 not-found')
})

test('a key that is missing, malformed, unknown or used from elsewhere gets one and the same answer', async () => {
  const answers = await Promise.all(
    [null, '', 'x', newKey().secret, keys.elsewhere.secret].map((secret) =>
      call('POST', '/v1/once', { secret, headers: { 'x-request-id': 'r' } }),
    ),
  )
  assert.equal(problemOf(answers[0]!), '401 unauthenticated')
  for (const { status, text: body, headers } of answers) {
    assert.deepEqual([status, body], [answers[0]!.status, answers[0]!.text])
    assert.equal(headers.get('www-authenticate'), 'Bearer')
  }
})

test('a key without the scope is refused with the scope that it lacks', async () => {
  const answer = await call('POST', '/v1/once', { secret: keys.reader.secret })
  assert.equal(problemOf(answer), '403 forbidden')
  assert.equal(answer.json.scope, 'verifications:write')
})

test('a publishable key may begin sessions from its origins, and nothing else', async () => {
  const from = (origin: string, path = '/v1/session') =>
    call('POST', path, { secret: keys.page.secret, headers: { origin } })
  assert.equal((await from('https://shop.example')).status, 200)
  assert.equal(problemOf(await from('https://evil.example')), '403 forbidden')
  assert.equal(problemOf(await from('https://shop.example', '/v1/once')), '403 forbidden')
  assert.equal((await call('POST', '/v1/session')).status, 200, 'a server key may too')
})

test('what schemas refuse is listed by pointer and rule; an unknown field comes before it all', async () => {
  const at = async (body: unknown) => {
    const answer = await call('POST', '/v1/codes/c/send', { body })
    const errors = answer.json.errors.map((one: { pointer: string; code: string }) => [one.pointer, one.code])
    return [problemOf(answer), ...errors]
  }
  assert.deepEqual(await at({ to: 1, pairs: { a: 'long' } }), [
    '400 invalid-request',
    ['/to', 'type'],
    ['/pairs/a', 'maxLength'],
  ])
  assert.deepEqual(await at({}), ['400 invalid-request', ['/to', 'required']])
  assert.deepEqual(await at(undefined), ['400 invalid-request', ['/to', 'required']])
  assert.deepEqual(await at([]), ['400 invalid-request', ['', 'type']])
  assert.deepEqual(await at('{'), ['400 invalid-request', ['', 'syntax']])
  assert.deepEqual(await at({ to: 1, 'a/b~c': 1 }), [
    '422 unknown-field',
    ['/a~1b~0c', 'unknown'],
    ['/to', 'type'],
  ])
  assert.deepEqual(await at('{"to":"x","__proto__":{"y":1}}'), [
    '422 unknown-field',
    ['/__proto__', 'unknown'],
  ])
})

test('numbers of a query are read as numbers, and what is none is refused by its name', async () => {
  assert.deepEqual((await call('GET', '/v1/list?limit=9')).json, { limit: 9 })
  for (const [query, code] of [
    ['limit=10', 'maximum'],
    ['limit=x', 'type'],
    ['limit=1&limit=2', 'type'],
  ])
    assert.deepEqual(
      (await call('GET', `/v1/list?${query}`)).json.errors.map(({ parameter, code }: never) => [
        parameter,
        code,
      ]),
      [['limit', code]],
    )
  const unknown = await call('GET', '/v1/list?limits=1')
  assert.equal(problemOf(unknown), '422 unknown-field')
})

test('a method that a path does not take is refused with those that it does', async () => {
  const answer = await call('DELETE', '/v1/codes/c/send')
  assert.equal(problemOf(answer), '405 method-not-allowed')
  assert.equal(answer.headers.get('allow'), 'POST')
  assert.equal((await call('POST', '/v1/list')).headers.get('allow'), 'GET, HEAD')
})

test('a store that is away and a fault of ours may be called again, and are reported', async () => {
  errors.length = 0
  const away = await call('POST', '/v1/away')
  assert.equal(problemOf(away), '503 store-unavailable')
  assert.deepEqual([away.headers.get('retry-after'), away.json.retry_after_s], ['1', 1])
  const broken = await call('POST', '/v1/broken')
  assert.equal(problemOf(broken), '500 internal')
  assert.doesNotMatch(broken.text, /broken/)
  assert.equal(errors.length, 2)
})

test('a wait is rounded up, so that it is never too short', async () => {
  const { headers, json } = await call('POST', '/v1/limit')
  assert.deepEqual([headers.get('retry-after'), json.retry_after_s, json.limit], ['2', 2, 'app'])
})

test('a call has the behaviour that it names, else that of its key; an unknown one is refused', async () => {
  const named = (version: string, path = '/v1/codes/c/send', secret: string | null = keys.server.secret) =>
    call('POST', path, { secret, body: { to: 'x' }, headers: { 'countersign-version': version } })
  assert.equal((await call('POST', '/v1/limit')).headers.get('countersign-version'), '2026-12-01')
  assert.equal((await named('2026-12-01')).status, 202)
  assert.equal(problemOf(await named('2026-12-02')), '400 invalid-request')
  assert.equal(problemOf(await named('2026-12-02', '/v1/public/check', null)), '400 invalid-request')
})

test('while a call with an Idempotency-Key is under way, another one of the key is sent away', async () => {
  acts = 0
  const twice = (key: string) =>
    call('POST', '/v1/once', { body: { n: 1 }, headers: { 'idempotency-key': key } })
  const first = twice('k')
  while (acts === 0) await new Promise(setImmediate)
  const second = await twice('k')
  assert.equal(problemOf(second), '409 idempotency-in-progress')
  assert.equal(second.headers.get('retry-after'), '1')
  const quoted = await twice('"k"')
  assert.equal(quoted.status, 409, 'a key in quotes is the same key')
  open!()
  assert.equal((await first).status, 200)
  assert.equal(acts, 1)
})

test('a fingerprint is of the value, not of its spelling; a key is one in its path alone', async () => {
  const once = async (body: string, path = '/v1/once') => {
    const answer = call('POST', path, { body, headers: { 'idempotency-key': 'f' } })
    const known = acts
    while (acts === known) await new Promise(setImmediate)
    open!()
    return (await answer).json
  }
  const one = await once('{"n":1,"m":2}')
  assert.deepEqual(await once('{ "m": 2, "n": 1.0 }'), one)
  assert.notEqual((await once('{"n":2,"m":2}')).fingerprint, one.fingerprint)
  for (const bad of ['', 'x'.repeat(256)]) {
    const answer = await call('POST', '/v1/once', { headers: { 'idempotency-key': bad } })
    assert.equal(problemOf(answer), '400 invalid-request')
  }
})

test('pages of any origin may make the public calls, and read their answers; no others', async () => {
  const ask = (path: string) =>
    call('OPTIONS', path, {
      secret: null,
      headers: { origin: 'https://a.example', 'access-control-request-method': 'POST' },
    })
  for (const path of ['/v1/public/check', '/v1/session']) {
    const { status, headers } = await ask(path)
    assert.deepEqual([status, headers.get('access-control-allow-origin')], [204, '*'])
    assert.equal(headers.get('access-control-allow-methods'), 'POST')
    assert.equal((await call('POST', path, { secret: null })).headers.get('access-control-allow-origin'), '*')
  }
  const other = await ask('/v1/once')
  assert.equal(problemOf(other), '405 method-not-allowed')
  assert.equal(other.headers.get('access-control-allow-origin'), null)
  assert.equal((await call('POST', '/v1/limit')).headers.get('access-control-allow-origin'), null)
})

test('a test key makes no call that reaches what is live, whatever scopes it was made with', async () => {
  const { secret } = keys.oldTest
  for (const [path, scope] of [
    ['/v1/feed', 'events:read'],
    ['/v1/hooks', 'admin'],
  ] as const) {
    const { status, json } = await call('POST', path, { secret })
    assert.deepEqual([status, json.scope], [403, scope])
  }
  assert.equal((await call('POST', '/v1/codes/1/send', { secret, body: { to: 'a' } })).status, 202)
})
