/** What every call of the API has in common: the answers to what is wrong with a request, and to a server that fails. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { defaultPolicy } from '../src/config/app-policy.ts'
import { type ApiKeyScope, newApiKey } from '../src/directory/api-key.ts'
import { AppError } from '../src/errors.ts'
import type { KeyHolder } from '../src/flows/api-keys.ts'
import { nativeDialect } from '../src/http/native/dialect.ts'
import { isIdempotent, type NativeContext, problemsOf, type Route } from '../src/http/native/route.ts'
import { nativeRoutes } from '../src/http/native/routes.ts'
import { createServer } from '../src/http/server.ts'
import { type ApiCall, nativeCalls, problemOf } from './api-document.ts'
import { rightValue } from './api-values.ts'
import { assertPromised } from './promised.ts'

const origin = 'https://shop.example'
const keyWith = (scopes: readonly ApiKeyScope[], kind: 'server' | 'publishable' = 'server') =>
  newApiKey({
    ...{ tenant: 't', app: 'a', name: 'K', kind, isTest: false, scopes, networks: [], createdAt: 0 },
    origins: kind === 'publishable' ? [origin] : [],
    expiresAt: null,
  })
const keys = {
  all: keyWith(['verifications:write', 'verifications:read', 'events:read', 'admin']),
  none: keyWith([]),
}
const holders = new Map(
  Object.values(keys).map(({ key, secret }) => [secret, { key, app: { id: 'a' } } as KeyHolder]),
)

type Failing = 'store' | 'fault' | 'hangs'
let failing: Failing = 'fault'
/** Ends the calls that hang. */
let release: () => void = () => undefined

/** The declaration as it is, with a handler that fails. */
function failingRoute(route: Route): Route {
  return {
    ...route,
    async handle() {
      if (failing === 'store') throw new AppError('store.unavailable', 'away')
      if (failing === 'fault') throw new Error('a fault of ours')
      await new Promise<void>((resolve) => {
        release = resolve
      })
      return { problem: 'internal' }
    },
  }
}

const server = createServer({
  tls: null,
  trustedProxies: [],
  dialects: [
    {
      prefix: '/v1',
      dialect: nativeDialect(
        {
          services: {
            apiKeys: { find: (secret: string) => holders.get(secret) },
            publicUrl: () => 'https://otp.example.com',
            policyOf: () => defaultPolicy,
          },
          document: () => '{}',
        } as unknown as NativeContext,
        nativeRoutes.map(failingRoute),
      ),
    },
  ],
  onAnswer() {},
})
let base: string
before(async () => {
  base = await server.listen({ host: '127.0.0.1', port: 0 })
})
after(() => server.close())

/** A right value that stays the same from run to run. */
const right = (schema: ApiCall['body']) =>
  schema === undefined ? undefined : fc.sample(rightValue(schema), { numRuns: 1, seed: 1 })[0]

type Sent = { secret?: string; body?: unknown; headers?: Record<string, string>; query?: string }

async function send(call: ApiCall, { secret = keys.all.secret, headers = {}, query, ...sent }: Sent = {}) {
  const body = 'body' in sent ? sent.body : right(call.body)
  const inQuery = call.parameters
    .filter((one) => one.in === 'query' && one.required)
    .map(({ name, schema }) => `${name}=${encodeURIComponent(String(right(schema)))}`)
    .join('&')
  const path = call.path.replace(/\{(\w+)\}/g, (_, name) =>
    encodeURIComponent(String(right(call.parameters.find((one) => one.name === name)!.schema))),
  )
  const url = `${path}?${query ?? inQuery}`
  const response = await fetch(`${base}${url}`, {
    method: call.method,
    headers: { ...(secret !== '' && { authorization: `Bearer ${secret}` }), origin, ...headers },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const contentType = response.headers.get('content-type') ?? ''
  assertPromised(call.method, url, { status: response.status, contentType, text })
  return `${response.status} ${contentType.includes('problem') ? problemOf(JSON.parse(text)) : ''}`.trim()
}

for (const route of nativeRoutes) {
  const call = nativeCalls.find(({ id }) => id === route.operationId)!
  const promised = problemsOf(route)
  describe(call.id, () => {
    test('a request that breaks a rule is refused', async () => {
      assert.equal(
        await send(call, { headers: { 'countersign-version': '2001-01-01' } }),
        '400 invalid-request',
      )
      if (call.body) assert.equal(await send(call, { body: '{' }), '400 invalid-request')
    })

    if (route.access !== 'public')
      test('a caller needs a key that may make the call', async () => {
        assert.equal(await send(call, { secret: '' }), '401 unauthenticated')
        assert.equal(await send(call, { secret: keyWith([]).secret }), '401 unauthenticated')
        assert.equal(await send(call, { secret: keys.none.secret }), '403 forbidden')
      })

    test('a field that the call does not know is refused', async () => {
      if (call.body)
        assert.equal(
          await send(call, { body: { ...(right(call.body) as object), unheard_of: 1 } }),
          '422 unknown-field',
        )
      if (route.query) assert.equal(await send(call, { query: 'unheard_of=1' }), '422 unknown-field')
    })

    if (call.body)
      test('a body that is too large is refused', async () => {
        assert.equal(await send(call, { body: { a: 'x'.repeat(17_000) } }), '413 payload-too-large')
      })

    if (isIdempotent(route))
      test('a call that is made again while it is under way is refused', async () => {
        failing = 'hangs'
        const headers = { 'idempotency-key': 'one' }
        const first = send(call, { headers })
        // Of calls that are made at once, the first to arrive hangs.
        const second = send(call, { headers })
        try {
          assert.equal(await Promise.race([first, second]), '409 idempotency-in-progress')
        } finally {
          release()
        }
        await Promise.all([first, second])
      })

    test('a store that is away and a fault of ours are answered', async () => {
      if (promised.includes('store-unavailable')) {
        failing = 'store'
        assert.equal(await send(call), '503 store-unavailable')
      }
      if (promised.includes('internal')) {
        failing = 'fault'
        assert.equal(await send(call), '500 internal')
      }
    })
  })
}
