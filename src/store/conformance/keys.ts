/** Every engine's duties with the keys of the native API. */

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { type NewApiKey, newApiKey } from '../../directory/api-key.ts'
import { type Clients, times, unlike } from './fixtures.ts'

export function keysConformance({ store, client }: Clients): void {
  const { keys } = store
  describe('keys', () => {
    /** Apart from the app of the other tests, so that its keys are few. */
    const app = `keys-${unlike()}`
    before(async () => {
      const common = { name: 'K', sealedKey: 's', isServiceProvider: false, isDisabled: false, policy: {} }
      await store.directory.addApp({ id: app, tenant: 't', ...common, createdAt: 2 })
    })
    const newKey = (change: Partial<NewApiKey> = {}) =>
      newApiKey({
        tenant: 't',
        app,
        name: 'web "é"',
        kind: 'server',
        isTest: false,
        scopes: ['verifications:write', 'verifications:read'],
        origins: [],
        networks: ['192.0.2.0/24'],
        createdAt: Date.now(),
        expiresAt: null,
        ...change,
      }).key

    test('a key comes back as it was added, with its app and tenant, by its hash alone', async () => {
      const key = newKey({ expiresAt: Date.now() + 60_000 })
      const page = newKey({
        kind: 'publishable',
        isTest: true,
        scopes: [],
        origins: ['https://shop.example'],
      })
      assert.equal(await keys.add(key), true)
      assert.equal(await keys.add(page), true)
      for (const one of [key, page]) {
        const held = await keys.holder(one.hash)
        assert.deepEqual(held?.key, one)
        assert.equal(held.app.id, app)
        assert.equal(held.tenant.id, 't')
      }
      assert.equal(await keys.holder(key.id), undefined)
      assert.equal(await keys.holder(unlike()), undefined)
      assert.deepEqual((await keys.list(app)).map(({ id }) => id).toSorted(), [key.id, page.id].toSorted())
      assert.ok((await keys.list()).some(({ id }) => id === key.id))
      assert.deepEqual(await keys.list('none'), [])
    })

    test('a key of no app, of another tenant’s, or with a hash that is taken is not added', async () => {
      const key = newKey()
      const raced = await Promise.all(
        times(10, (nth) => client(nth).keys.add({ ...newKey(), hash: key.hash })),
      )
      assert.equal(raced.filter(Boolean).length, 1)
      assert.equal(await keys.add(newKey({ app: 'none' })), false)
      assert.equal(await keys.add(newKey({ tenant: 'other' })), false)
    })

    test('a key ends at the sooner of the times that it was revoked at', async () => {
      const key = newKey()
      await keys.add(key)
      const revokedAt = async () => (await keys.list(app)).find(({ id }) => id === key.id)?.revokedAt
      assert.equal(await keys.revoke(key.id, 5000), true)
      assert.equal(await keys.revoke(key.id, 9000), true)
      assert.equal(await revokedAt(), 5000)
      await keys.revoke(key.id, 4000)
      assert.equal(await revokedAt(), 4000)
      assert.equal(await keys.revoke('none', 1), false)
    })

    test('a key that has ended, or whose app is disabled, is held by nobody', async () => {
      const [revoked, expired, later] = [
        newKey(),
        newKey({ expiresAt: Date.now() - 1 }),
        newKey({ expiresAt: Date.now() + 60_000 }),
      ]
      for (const key of [revoked, expired, later]) await keys.add(key)
      await keys.revoke(revoked.id, Date.now() - 1)
      await keys.revoke(later.id, Date.now() + 60_000)
      assert.equal(await keys.holder(revoked.hash), undefined)
      assert.equal(await keys.holder(expired.hash), undefined)
      assert.equal((await keys.holder(later.hash))?.key.id, later.id)
      await store.directory.updateApp(app, { isDisabled: true })
      assert.equal(await keys.holder(later.hash), undefined)
      await store.directory.updateApp(app, { isDisabled: false })
      assert.equal((await keys.holder(later.hash))?.key.id, later.id)
    })

    test('a use is noted at most once a minute', async () => {
      const key = newKey()
      await keys.add(key)
      const noted = async (at: number) => {
        await keys.noteUse(key.id, at)
        return (await keys.holder(key.hash))?.key.lastUsedAt
      }
      assert.equal(await noted(1_000_000), 1_000_000)
      assert.equal(await noted(1_059_999), 1_000_000)
      assert.equal(await noted(1_060_000), 1_060_000)
      assert.equal(await noted(1_000_000), 1_060_000, 'it does not go back')
      await keys.noteUse('none', 1)
    })

    test('an app has events while a key of it may read them', async () => {
      const own = `reads-${unlike()}`
      const common = { name: 'R', sealedKey: 's', isServiceProvider: false, isDisabled: false, policy: {} }
      await store.directory.addApp({ id: own, tenant: 't', ...common, createdAt: 2 })
      const key = newKey({ app: own })
      await keys.add(key)
      const hasEvents = async () => (await keys.holder(key.hash))?.hasEvents
      assert.equal(await hasEvents(), false)
      await keys.add(newKey({ app: own, scopes: ['events:read'], expiresAt: Date.now() - 1 }))
      assert.equal(await hasEvents(), false)
      const reader = newKey({ app: own, scopes: ['events:read'] })
      await keys.add(reader)
      assert.equal(await hasEvents(), true)
      await keys.revoke(reader.id, Date.now() - 1)
      assert.equal(await hasEvents(), false)
    })
  })
}
