/** The conformance suite: one set of tests over the contracts for every engine, which races each verb. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Limit } from '../../throttle/acquire.ts'
import type { Store } from '../store.ts'
import { appsConformance } from './apps.ts'
import { auditConformance } from './audit.ts'
import { consumptionConformance } from './consumptions.ts'
import { contactUndoConformance } from './contact-undo.ts'
import { contactConformance } from './contacts.ts'
import { directoryConformance } from './directory.ts'
import { dispatchConformance } from './dispatches.ts'
import { erasureConformance } from './erasures.ts'
import { eventConformance } from './events.ts'
import { newIssue, pause, times, unlike, useOf } from './fixtures.ts'
import { keysConformance } from './keys.ts'
import { limitsConformance } from './limits.ts'
import { membersConformance } from './members.ts'
import { onceConformance } from './once.ts'
import { outboxConformance } from './outbox.ts'
import { passwordsConformance } from './passwords.ts'
import { searchConformance } from './search.ts'
import { subjectConformance } from './subjects.ts'
import { verificationConformance } from './verifications.ts'
import { webhookConformance } from './webhooks.ts'

/** An engine under test: opened on empty data; `second` is another client of the same data, if the engine allows one. */
export type EngineUnderTest = AsyncDisposable & {
  readonly store: Store
  readonly second: Store | null
}

/** @param lacks  Names of tests of what this engine cannot do yet. */
export function storeConformance(
  name: string,
  open: () => Promise<EngineUnderTest>,
  lacks: readonly string[] = [],
): void {
  describe(`${name} keeps the store's contracts`, () => {
    let engine: EngineUnderTest
    let clients: readonly Store[]
    /** Opened by the time that a test calls it. */
    const store = lateStore(() => clients[0]!)
    const client = (nth: number) => clients[nth % clients.length]!
    before(async () => {
      engine = await open()
      clients = engine.second ? [engine.store, engine.second] : [engine.store]
      await store.directory.addTenant({ id: 't', name: 'T', accountApp: 'a' })
      const app = {
        id: 'a',
        tenant: 't',
        name: 'A',
        sealedKey: 's',
        isServiceProvider: false,
        isDisabled: false,
      }
      await store.directory.addApp({ ...app, policy: {}, createdAt: 1 })
    })
    after(() => engine[Symbol.asyncDispose]())

    const { verifications, outbox, limiters, journal } = store
    const both = { store, client, lacks }

    verificationConformance(both)
    subjectConformance(both)
    onceConformance(both)
    limitsConformance(both)
    outboxConformance(both)
    dispatchConformance(both)
    directoryConformance(both)
    membersConformance(both)
    passwordsConformance(both)
    appsConformance(both)
    searchConformance(both)
    erasureConformance(both)
    contactConformance(both)
    contactUndoConformance(both)
    keysConformance(both)
    auditConformance(both)
    consumptionConformance(both)
    eventConformance(both)
    webhookConformance(both)

    test('the journal is read in order and by kind', async () => {
      const verification = unlike()
      const entry = { tenant: 't', app: 'a', member: 'm', verification }
      for (const nth of [1, 2, 3])
        await journal.append({ ...entry, kind: nth === 2 ? 'refusal' : 'contact-changed', detail: { nth } })
      const read = (await journal.read({ sinceMs: 0, most: 100_000 })).filter(
        (one) => one.verification === verification,
      )
      assert.deepEqual(
        read.map((one) => one.detail.nth),
        [1, 2, 3],
      )
      const refusals = await journal.read({ sinceMs: 0, most: 100_000, kind: 'refusal' })
      assert.ok(
        refusals.every((one) => one.kind === 'refusal') &&
          refusals.some((one) => one.verification === verification),
      )
    })

    test('entries of an address are found by any of its tags, newest first, and no other’s', async () => {
      const [one, other, strange] = times(3, unlike)
      const entry = { kind: 'refusal', tenant: 't', app: 'a', member: 'm', verification: '' } as const
      for (const [nth, addressTag] of [one, strange, other, one].entries()) {
        await journal.append({ ...entry, addressTag: addressTag!, detail: { nth } })
        await pause(2)
      }
      await journal.append({ ...entry, detail: { nth: 4 } })
      const found = (tags: readonly string[], sinceMs = 0, most = 10) =>
        journal.ofAddress({ tags, sinceMs, most })
      const all = await found([one!, other!])
      assert.deepEqual(
        all.map(({ detail, addressTag }) => [detail.nth, addressTag]),
        [
          [3, one],
          [2, other],
          [0, one],
        ],
      )
      assert.equal((await found([one!, other!], 0, 2)).length, 2)
      assert.deepEqual(await found([one!], all[0]!.at), [all[0]])
      assert.deepEqual(await found(['', unlike()]), [])
    })

    test('sweeping drops what is over and keeps what is not', async () => {
      const { message: _none, ...brief } = newIssue({ lifetimeMs: 20 })
      const live = newIssue()
      await verifications.issue(live)
      await verifications.issue(brief)
      const forgotten: Limit = {
        scope: 'member',
        key: unlike(),
        form: 'events',
        rules: [{ kind: 'window', max: 1, perMs: 20 }],
      }
      const kept: Limit = { ...forgotten, key: unlike(), rules: [{ kind: 'window', max: 1, perMs: 60_000 }] }
      await limiters.acquire([forgotten, kept])
      await pause(60)
      await store.sweep(3_600_000)
      assert.equal((await limiters.acquire([kept])).kind, 'throttled')
      assert.equal((await limiters.acquire([forgotten])).kind, 'acquired')
      assert.equal((await verifications.get(live.id))?.state, 'live')
      assert.equal(await verifications.use(useOf(brief.id)), undefined)
      assert.ok(await verifications.use(useOf(live.id)))
      await store.sweep(0)
      assert.equal(await verifications.get(brief.id), undefined, 'past its retention')
    })

    test('a write is proved by many at once, and no record comes of it', async () => {
      const before = await outbox.depth()
      const proofs = await Promise.all(times(20, (nth) => client(nth).proveWrite()))
      for (const without of proofs) assert.deepEqual(without, [])
      assert.ok((await outbox.depth()).queued <= before.queued)
    })

    test('engine time goes on', async () => {
      const start = await store.now()
      await pause(20)
      assert.ok((await store.now()) > start)
    })
  })
}

/** A stand-in for a store that is opened later. */
function lateStore(opened: () => Store): Store {
  type Verbs = Record<string | symbol, (...args: unknown[]) => unknown>
  const store = () => opened() as unknown as Verbs & Record<string | symbol, Verbs>
  const part = (name: string | symbol) =>
    new Proxy(() => undefined, {
      apply: (_, __, args) => store()[name]!(...args),
      get:
        (_, verb) =>
        (...args: unknown[]) =>
          store()[name]![verb]!(...args),
    })
  return new Proxy({} as Store, { get: (_, name) => part(name) })
}
