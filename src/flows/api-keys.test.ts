import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ApiKey, type KeyHolder, newApiKey } from '../directory/api-key.ts'
import type { Keys } from '../store/keys.ts'
import { createApiKeys } from './api-keys.ts'

/** A store with one key, which counts what it is asked. */
function fixture(change: Partial<ApiKey> = {}, isDisabled = false) {
  const made = newApiKey({
    tenant: 't',
    app: 'a',
    name: 'K',
    kind: 'server',
    isTest: false,
    scopes: [],
    origins: [],
    networks: [],
    createdAt: 0,
    expiresAt: null,
  })
  let key = { ...made.key, ...change }
  const told = { asked: 0, notedAt: [] as number[] }
  let now = 1_000_000
  const keys: Keys = {
    add: async () => false,
    list: async () => [],
    async holder(hash) {
      told.asked++
      return hash === key.hash ? ({ key, app: { isDisabled } } as KeyHolder) : undefined
    },
    revoke: async () => false,
    async noteUse(_id, at) {
      told.notedAt.push(at)
      key = { ...key, lastUsedAt: at }
    },
  }
  return {
    secret: made.secret,
    told,
    apiKeys: createApiKeys({ keys }, () => now),
    set: (next: Partial<ApiKey>) => {
      key = { ...key, ...next }
    },
    pass: (ms: number) => {
      now += ms
    },
  }
}

test('a key is asked for once by all who miss it together, then remembered', async () => {
  const { apiKeys, secret, told } = fixture()
  const found = await Promise.all([apiKeys.find(secret), apiKeys.find(secret)])
  assert.ok(found.every((holder) => holder?.key.name === 'K'))
  assert.ok(!(apiKeys.find(secret) instanceof Promise))
  assert.equal(told.asked, 1)
})

test('a revoked key is refused within a second', async (t) => {
  let elapsed = performance.now()
  t.mock.method(performance, 'now', () => elapsed)
  const { apiKeys, secret, set } = fixture()
  assert.ok(await apiKeys.find(secret))
  set({ revokedAt: 1_000_000 })
  elapsed += 999
  assert.equal(await apiKeys.find(secret), undefined)
})

test('a remembered key ends at the very time that it expires', async () => {
  const { apiKeys, secret, pass } = fixture({ expiresAt: 1_000_010 })
  assert.ok(await apiKeys.find(secret))
  pass(10)
  assert.equal(await apiKeys.find(secret), undefined)
})

test('keys that are unknown, revoked, expired or of a disabled app are looked up each time alike', async () => {
  for (const { apiKeys, secret, told } of [
    fixture({ revokedAt: 1 }),
    fixture({ expiresAt: 1 }),
    fixture({}, true),
    fixture({ hash: 'another' }),
  ])
    for (const times of [1, 2]) {
      assert.equal(await apiKeys.find(secret), undefined)
      assert.equal(told.asked, times)
    }
})

test('a use is noted once a minute', async (t) => {
  let elapsed = performance.now()
  t.mock.method(performance, 'now', () => elapsed)
  const { apiKeys, secret, told, pass } = fixture()
  for (const ms of [0, 1000, 58_000, 1000, 1000]) {
    elapsed += ms
    pass(ms)
    await apiKeys.find(secret)
  }
  assert.deepEqual(told.notedAt, [1_000_000, 1_060_000])
})
