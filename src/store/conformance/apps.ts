/** Every engine's duties with apps: made, changed, given new keys and deleted, each with its entry of the audit. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newApiKey } from '../../directory/api-key.ts'
import { loginLimits, type NewApp, type Token } from '../../directory/directory.ts'
import { newAuditEntry, wholeAudit } from './audit.ts'
import { type Clients, newMember, times, unlike } from './fixtures.ts'

export function appsConformance({ store, client }: Clients): void {
  const { directory, keys, webhooks } = store

  const newApp = (change: Partial<NewApp> = {}): NewApp => ({
    id: unlike(),
    tenant: 't',
    name: 'shop "é"',
    sealedKey: 'k.first',
    isServiceProvider: false,
    isDisabled: false,
    policy: { digits: 8 },
    createdAt: 1,
    ...change,
  })
  const added = async (change: Partial<NewApp> = {}): Promise<string> => {
    const app = newApp(change)
    assert.equal(await directory.addApp(app), true)
    return app.id
  }
  const newKey = (sealed: string, overlapMs: number) => ({ newKey: { sealed, overlapMs } })
  const entriesOn = async (target: string) =>
    (await wholeAudit(store)).filter((entry) => entry.target === target).map(({ act }) => act)
  const entryOn = (target: string, act: string) => newAuditEntry({ target, act })

  describe('apps', () => {
    test('an app comes back as it was added, and as it was changed', async () => {
      const app = newApp({ description: 'sells\nthings' })
      assert.equal(await directory.addApp(app, entryOn(app.id, 'app.add')), true)
      const before = await directory.app(app.id)
      assert.deepEqual(before, { ...app, previousKey: null, updatedAt: 1 })
      const change = { name: 'store', description: '', isDisabled: true, policy: { digits: 6 } }
      const changed = await directory.updateApp(app.id, change, entryOn(app.id, 'app.disable'))
      assert.ok(changed!.updatedAt > 1)
      assert.deepEqual(changed, { ...before, ...change, updatedAt: changed!.updatedAt })
      assert.deepEqual(await directory.app(app.id), changed)
      const again = await directory.updateApp(app.id, { isDisabled: false })
      assert.deepEqual(again, { ...changed, isDisabled: false, updatedAt: again!.updatedAt })
      assert.deepEqual(
        (await directory.apps('t')).find(({ id }) => id === app.id),
        again,
      )
      assert.deepEqual(await entriesOn(app.id), ['app.add', 'app.disable'])
    })

    test('an id is given once, and what is refused leaves no entry', async () => {
      const app = newApp()
      const raced = await Promise.all(
        times(10, (nth) => client(nth).directory.addApp(app, entryOn(app.id, 'app.add'))),
      )
      assert.equal(raced.filter(Boolean).length, 1)
      assert.deepEqual(await entriesOn(app.id), ['app.add'])
      const none = unlike()
      assert.equal(await directory.updateApp(none, { name: 'x' }, entryOn(none, 'app.update')), undefined)
      assert.equal(await directory.deleteApp(none, entryOn(none, 'app.delete')), false)
      assert.deepEqual(await entriesOn(none), [])
    })

    test('a new key keeps the one before for its overlap, and no older one', async () => {
      const id = await added()
      const since = Date.now()
      const second = (await directory.updateApp(id, newKey('k.second', 60_000)))!
      assert.deepEqual([second.sealedKey, second.previousKey?.sealed], ['k.second', 'k.first'])
      assert.ok(Math.abs(second.previousKey!.until - since - 60_000) < 30_000)
      const renamed = await directory.updateApp(id, { name: 'other' })
      assert.deepEqual(renamed!.previousKey, second.previousKey, 'another change leaves it')
      const third = (await directory.updateApp(id, newKey('k.third', 60_000)))!
      assert.equal(third.previousKey?.sealed, 'k.second')
      const fourth = (await directory.updateApp(id, newKey('k.fourth', 0)))!
      assert.deepEqual([fourth.sealedKey, fourth.previousKey], ['k.fourth', null])
      assert.deepEqual(await directory.app(id), fourth)
    })

    test('of new keys at once each one keeps the one before it', async () => {
      const id = await added()
      const given = await Promise.all(
        times(8, (nth) => client(nth).directory.updateApp(id, newKey(`k.${nth}`, 60_000))),
      )
      const before = new Map(given.map((app) => [app!.sealedKey, app!.previousKey!.sealed]))
      assert.equal(before.size, 8)
      const chain: string[] = []
      for (let key = (await directory.app(id))!.sealedKey; key !== 'k.first'; key = before.get(key)!)
        chain.push(key)
      assert.equal(new Set(chain).size, 8)
    })

    test('with a deleted app its logins, API keys and endpoints end; its id is never given again', async () => {
      const id = await added()
      const [other, member] = [await added(), newMember()]
      await directory.putMembers([member])
      const loggedIn = async (app: string): Promise<readonly Token[]> => {
        const at = Date.now()
        const of = { login: unlike(), tenant: 't', app, member: member.id, clientType: 72, createdAt: at }
        const token = (kind: Token['kind']): Token => ({
          hash: unlike(),
          kind,
          ...of,
          expiresAt: at + 60_000,
        })
        const [access, refresh] = [token('access'), token('refresh')] as const
        await directory.logIn({ access, refresh, limits: loginLimits(72) })
        return [access, refresh]
      }
      const newKeyOf = (app: string) =>
        newApiKey({
          tenant: 't',
          app,
          name: 'k',
          kind: 'server',
          isTest: false,
          scopes: ['verifications:write'],
          origins: [],
          networks: [],
          createdAt: Date.now(),
          expiresAt: null,
        }).key
      const newWebhookOf = (app: string) => ({
        id: unlike(),
        tenant: 't',
        app,
        url: 'https://shop.example/hook',
        description: '',
        types: null,
        isEnabled: true,
        disabledBy: null,
        secrets: [],
        signingKey: null,
        createdAt: Date.now(),
      })
      const of = async (app: string) => {
        const [tokens, key, webhook] = [await loggedIn(app), newKeyOf(app), newWebhookOf(app)]
        assert.equal(await keys.add(key), true)
        assert.equal(await webhooks.add(webhook, 10), true)
        return async () => ({
          app: (await directory.app(app)) !== undefined,
          isListed: (await directory.apps()).some((one) => one.id === app),
          tokens: (await Promise.all(tokens.map(({ hash, kind }) => directory.session(hash, [kind])))).filter(
            Boolean,
          ).length,
          key: (await keys.holder(key.hash)) !== undefined,
          isRevoked: (await keys.list(app)).every(({ revokedAt }) => revokedAt !== null),
          webhook: (await webhooks.get(webhook.id))?.isEnabled,
        })
      }
      const [whole, gone] = [
        { app: true, isListed: true, tokens: 2, key: true, isRevoked: false, webhook: true },
        { app: false, isListed: false, tokens: 0, key: false, isRevoked: true, webhook: false },
      ]
      const [left, kept] = [await of(id), await of(other)]
      assert.deepEqual(await left(), whole)
      const raced = await Promise.all(
        times(6, (nth) => client(nth).directory.deleteApp(id, entryOn(id, 'app.delete'))),
      )
      assert.equal(raced.filter(Boolean).length, 1)
      assert.deepEqual(await entriesOn(id), ['app.delete'])
      assert.deepEqual(await left(), gone)
      assert.deepEqual(await kept(), whole, 'those of another app stay')
      // A login that was under way when the app was deleted.
      const [late] = await loggedIn(id)
      assert.equal(await directory.session(late!.hash, ['access']), undefined)
      assert.equal(await directory.addApp(newApp({ id })), false)
      assert.equal(await directory.updateApp(id, { isDisabled: false }), undefined)
      assert.equal(await keys.add(newKeyOf(id)), false)
      assert.deepEqual(await left(), gone)
    })
  })
}
