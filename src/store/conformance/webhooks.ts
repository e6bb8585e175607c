/** Every engine's duties with webhooks: one owner at a time, nothing before its place, and a record of each delivery. */

import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { newApiKey } from '../../directory/api-key.ts'
import type { NewEvent } from '../events.ts'
import type { Lease } from '../outbox.ts'
import {
  type ClaimedWebhook,
  maxFailuresInRow,
  type Webhook,
  type WebhookDelivery,
  type WebhookWork,
} from '../webhooks.ts'
import { type Clients, pause, times, unlike } from './fixtures.ts'

export function webhookConformance({ store, client }: Clients): void {
  const { webhooks } = store
  describe('webhooks', () => {
    /** Apart from the apps of the other tests, whose endpoints claims would find. */
    let app = ''
    before(async () => {
      app = await newApp()
    })

    async function newApp(): Promise<string> {
      const id = `webhooks-${unlike()}`
      const common = { name: 'W', sealedKey: 's', isServiceProvider: false, isDisabled: false, policy: {} }
      await store.directory.addApp({ id, tenant: 't', ...common, createdAt: 2 })
      await Promise.all([0, 1].map((nth) => client(nth).events.setReaders([id])))
      return id
    }

    const newWebhook = (change: Partial<Webhook> = {}): Webhook => ({
      id: unlike(),
      tenant: 't',
      app,
      url: 'https://shop.example/hook?a="é"',
      description: 'ours',
      types: null,
      isEnabled: true,
      disabledBy: null,
      secrets: [{ sealed: 'k.s', createdAt: 5 }],
      signingKey: null,
      createdAt: Date.now(),
      ...change,
    })
    const newEvent = (nth: number): NewEvent => ({
      type: 'verification.used',
      tenant: 't',
      app,
      verification: `v${nth}`,
      facts: { nth },
    })
    const delivery = (event: string, change: Partial<WebhookDelivery> = {}): WebhookDelivery => ({
      event,
      type: 'verification.used',
      verification: 'v',
      state: 'delivered',
      tries: 1,
      firstAt: 10,
      lastAt: 11,
      dueAt: null,
      status: 204,
      reason: '',
      tookMs: 3,
      ...change,
    })
    const leaseOf = (owner: string, ms = 60_000): Lease => ({ owner, ms })
    const claimOf = async (id: string, lease: Lease): Promise<ClaimedWebhook | undefined> =>
      (await webhooks.claim(100, lease)).find(({ webhook }) => webhook.id === id)
    const work = (one: ClaimedWebhook, lease: Lease, change: Partial<WebhookWork> = {}): WebhookWork => ({
      webhook: one.webhook.id,
      lease,
      cursor: one.cursor,
      failures: 0,
      isGone: false,
      added: [],
      changed: [],
      ...change,
    })
    const newest = async (): Promise<string> => (await store.events.heads([app]))[0]!

    test('an endpoint comes back as it was added, changes, and is gone when removed; an app has no more than it may', async () => {
      app = await newApp()
      const one = newWebhook({ types: ['verification.used', 'contact.changed'], signingKey: 'k.x' })
      assert.equal(await webhooks.add(one, 2), true)
      assert.deepEqual(await webhooks.get(one.id), one)
      const added = await Promise.all(times(6, (nth) => client(nth).webhooks.add(newWebhook(), 3)))
      assert.equal(added.filter(Boolean).length, 2)
      assert.equal((await webhooks.list(app)).length, 3)
      const changed = { ...one, isEnabled: false, disabledBy: 'caller', secrets: [], types: null } as const
      const { isEnabled, disabledBy, secrets, types } = changed
      assert.deepEqual(await webhooks.change(one.id, { isEnabled, disabledBy, secrets, types }), changed)
      assert.deepEqual(await webhooks.get(one.id), changed)
      assert.equal(await webhooks.change(unlike(), { url: 'x' }), undefined)
      assert.deepEqual([await webhooks.remove(one.id), await webhooks.remove(one.id)], [true, false])
      assert.equal(await webhooks.get(one.id), undefined)
    })

    test('readers are the apps with an enabled endpoint or a key that may read events and has not ended', async () => {
      const [hooked, keyed, ended, writing] = [await newApp(), await newApp(), await newApp(), await newApp()]
      const one = newWebhook({ app: hooked })
      await webhooks.add(one, 1)
      const key = (
        of: string,
        scopes: readonly ('events:read' | 'verifications:write')[],
        expiresAt: number | null,
      ) =>
        newApiKey({
          tenant: 't',
          app: of,
          name: 'K',
          kind: 'server',
          isTest: false,
          scopes,
          origins: [],
          networks: [],
          createdAt: 1,
          expiresAt,
        }).key
      await store.keys.add(key(keyed, ['verifications:write', 'events:read'], Date.now() + 3_600_000))
      await store.keys.add(key(ended, ['events:read'], 2))
      await store.keys.add(key(writing, ['verifications:write'], null))
      const found = async () => {
        const { apps } = await webhooks.readers()
        return [hooked, keyed, ended, writing].map((of) => apps.includes(of))
      }
      assert.deepEqual(await found(), [true, true, false, false])
      assert.equal((await webhooks.readers()).hasEndpoints, true)
      await webhooks.change(one.id, { isEnabled: false, disabledBy: 'caller' })
      assert.deepEqual(await found(), [false, true, false, false])
    })

    test('one with new events is claimed by one of many, and again only when that one has settled or its lease is over', async () => {
      app = await newApp()
      await store.events.append([newEvent(0)])
      const before = await newest()
      const one = newWebhook()
      await webhooks.add(one, 1)
      assert.equal(await claimOf(one.id, leaseOf('early')), undefined, 'it gets events from its making on')
      await store.events.append([newEvent(1), newEvent(2)])
      const claims = await Promise.all(
        times(8, async (nth) =>
          (await client(nth).webhooks.claim(100, leaseOf(`o${nth}`))).find(
            ({ webhook }) => webhook.id === one.id,
          ),
        ),
      )
      const [claimed, ...others] = claims.filter((found) => found !== undefined)
      assert.deepEqual([others.length, claimed?.cursor, claimed?.waiting], [0, before, []])
      const owner = `o${claims.indexOf(claimed)}`
      const page = await store.events.read({ app, after: before, types: null, max: 10 })
      const [first, second] = page!.events
      const lease = leaseOf(owner)
      const added = [
        delivery(first!.id),
        delivery(second!.id, { state: 'waiting', dueAt: 0, status: null, reason: 'x' }),
      ]
      assert.equal(await webhooks.settle(work(claimed!, leaseOf('other'), { added })), false)
      assert.equal(
        await webhooks.settle(work(claimed!, lease, { cursor: page!.last!, failures: 1, added })),
        true,
      )
      assert.equal(await webhooks.settle(work(claimed!, lease)), false, 'its lease has ended')
      const again = await claimOf(one.id, leaseOf('brief', 1))
      assert.deepEqual(
        [again?.cursor, again?.failures, again?.waiting],
        [page!.last, 1, [added[1]]],
        'due, and nothing new',
      )
      await pause(20)
      assert.ok(await claimOf(one.id, leaseOf('next')), 'the lease was over')
      await webhooks.release('next')
      const last = await claimOf(one.id, leaseOf('last'))
      const done = delivery(second!.id, { tries: 2 })
      assert.equal(
        await webhooks.settle(work(last!, leaseOf('last'), { cursor: page!.last!, changed: [done] })),
        true,
      )
      assert.equal(await claimOf(one.id, leaseOf('idle')), undefined, 'nothing is left')
      assert.deepEqual(await webhooks.deliveries(one.id, { before: null, max: 10 }), [done, added[0]])
      assert.deepEqual(await webhooks.deliveries(one.id, { before: second!.id, max: 10 }), [added[0]])
      assert.deepEqual(await webhooks.deliveries(one.id, { before: null, max: 1 }), [done])
    })

    test('one that fails takes no new events, one that is gone none at all, and one that is enabled again those from then on', async () => {
      app = await newApp()
      const one = newWebhook()
      await webhooks.add(one, 1)
      await store.events.append([newEvent(1)])
      const lease = leaseOf('o')
      const failing = (await claimOf(one.id, lease))!
      await webhooks.settle(work(failing, lease, { failures: maxFailuresInRow }))
      assert.equal(await claimOf(one.id, lease), undefined)
      await webhooks.change(one.id, { url: 'https://new.example/' })
      const gone = (await claimOf(one.id, lease))!
      await webhooks.settle(work(gone, lease, { isGone: true }))
      assert.equal(await claimOf(one.id, lease), undefined)
      const { isEnabled, disabledBy } = (await webhooks.get(one.id))!
      assert.deepEqual({ isEnabled, disabledBy }, { isEnabled: false, disabledBy: 'gone' })
      await webhooks.change(one.id, { isEnabled: true, disabledBy: null })
      assert.equal(await claimOf(one.id, lease), undefined)
      const before = await newest()
      await store.events.append([newEvent(2)])
      assert.equal((await claimOf(one.id, lease))?.cursor, before)
      await webhooks.remove(one.id)
    })

    test('an event is delivered again when asked, if it is in the record', async () => {
      app = await newApp()
      const one = newWebhook()
      await webhooks.add(one, 1)
      await store.events.append([newEvent(1)])
      const event = await newest()
      const lease = leaseOf('o')
      const claimed = (await claimOf(one.id, lease))!
      await webhooks.settle(
        work(claimed, lease, { cursor: event, added: [delivery(event, { state: 'failed' })] }),
      )
      assert.equal(await webhooks.replay(one.id, unlike()), false)
      assert.equal(await webhooks.replay(unlike(), event), false)
      assert.equal(await webhooks.replay(one.id, event), true)
      const [waiting] = (await claimOf(one.id, lease))!.waiting
      const { event: id, state, tries, firstAt } = waiting!
      assert.deepEqual(
        { id, state, tries, firstAt },
        { id: event, state: 'waiting', tries: 0, firstAt: null },
      )
      await webhooks.remove(one.id)
    })
  })
}
