/** Every engine's duties with verifications: issue one, count submissions, use it once. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Limit } from '../../throttle/acquire.ts'
import { defaultAddressCap, defaultLimits, issueLimits, submissionLimits } from '../../throttle/policy.ts'
import type { VerificationKey } from '../../verification/verification.ts'
import type { Store } from '../store.ts'
import { type Clients, newIssue, newKey, pause, times, unlike, useOf } from './fixtures.ts'

export function verificationConformance({ store, client }: Clients): void {
  const { verifications, outbox, limiters } = store
  const submit = (
    on: Store,
    key: VerificationKey,
    change: { counted?: Limit[]; wrong?: Limit[]; repeat?: string; maxSubmissions?: number } = {},
  ) => on.verifications.takeSubmission({ key, counted: [], wrong: [], maxSubmissions: 1000, ...change })
  /** Whether the limit allows one more issue. */
  const hasCapacity = async (limit: Limit) =>
    (await verifications.issue(newIssue({ limits: [limit] }))).kind !== 'throttled'

  describe('verifications', () => {
    test('an issue is found by a submission with the same five parts and by no other: N-7', async () => {
      const request = newIssue()
      assert.equal((await verifications.issue(request)).kind, 'issued')
      for (const part of ['tenant', 'app', 'subject', 'address', 'purpose'] as const) {
        const other = await submit(store, {
          ...request.key,
          [part]: `${request.key[part]}x`,
        } as VerificationKey)
        assert.ok(other.kind === 'taken' && other.record === undefined, part)
      }
      const own = await submit(store, request.key)
      assert.ok(own.kind === 'taken' && own.record?.id === request.id)
      assert.deepEqual(await verifications.get(request.id), { ...own.record, submissions: 1 })
    })

    test('of many issues for one key one makes the verification, the others find it live', async () => {
      const key = newKey()
      const results = await Promise.all(
        times(60, (nth) => client(nth).verifications.issue(newIssue({ key }))),
      )
      const kinds = Map.groupBy(results, (result) => result.kind)
      assert.equal(kinds.get('issued')?.length, 1)
      assert.equal(kinds.get('live')?.length, 59)
      assert.equal(new Set(results.map((result) => 'record' in result && result.record.id)).size, 1)
      assert.equal(new Set(results.map((result) => 'record' in result && result.record.expiresAt)).size, 1)
    })

    test('a throttled issue leaves nothing behind', async () => {
      const limit: Limit = {
        scope: 'address',
        key: unlike(),
        form: 'events',
        rules: [{ kind: 'window', max: 1, perMs: 60_000 }],
      }
      const depth = async () => (await outbox.depth()).queued
      assert.equal((await verifications.issue(newIssue({ limits: [limit] }))).kind, 'issued')
      const queued = await depth()
      const request = newIssue({ limits: [limit] })
      const result = await verifications.issue(request)
      assert.ok(result.kind === 'throttled' && result.retryAfterMs > 0 && result.retryAfterMs <= 60_000)
      assert.equal(await verifications.get(request.id), undefined)
      assert.ok((await depth()) <= queued)
    })

    test('of many issues under one limit exactly as many pass as it allows', async () => {
      const subject = { tenant: 't', app: unlike(), subject: unlike(), network: unlike(), isHolder: false }
      const issue = (nth: number) => {
        const address = `tel:${nth % 5}${subject.subject}`
        const limits = issueLimits({ ...subject, limiterKey: address }, defaultLimits, defaultAddressCap)
        return client(nth).verifications.issue(newIssue({ key: newKey({ address }), limits }))
      }
      const results = await Promise.all(times(40, issue))
      let passed = results.filter((result) => result.kind === 'issued').length
      if (client(0).reservesOnTheWay) {
        assert.ok(passed <= 5)
        // Without other calls under way, exactly the remaining ones pass.
        for (let nth = 0; nth < 5; nth++) if ((await issue(nth)).kind === 'issued') passed++
      }
      assert.equal(passed, 5, 'one for each of five addresses')
    })

    for (const count of [2, 50, 200])
      test(`N-3: of ${count} simultaneous uses exactly one wins`, async () => {
        const request = newIssue()
        await verifications.issue(request)
        const wins = await Promise.all(
          times(count, (nth) => client(nth).verifications.use(useOf(request.id))),
        )
        assert.equal(wins.filter(Boolean).length, 1)
        assert.equal((await verifications.get(request.id))?.state, 'used')
      })

    test('N-4: 200 simultaneous submissions spend exactly five', async () => {
      const request = newIssue({ key: newKey({ address: `tel:${unlike()}` }) })
      await verifications.issue(request)
      const subject = {
        tenant: 't',
        app: 'a',
        subject: request.key.subject,
        limiterKey: request.key.address,
        network: undefined,
        isHolder: false,
      }
      const results = await Promise.all(
        times(200, (nth) => submit(client(nth), request.key, submissionLimits(subject, defaultLimits))),
      )
      assert.equal(results.filter((result) => result.kind === 'taken').length, 5)
      assert.equal(results.filter((result) => result.kind === 'throttled').length, 195)
      const later = await submit(store, request.key)
      assert.ok(later.kind === 'taken' && later.record === undefined, 'the sixth ended the code')
    })

    test('a submission counted in time may still use a code that takes no more', async () => {
      const request = newIssue()
      await verifications.issue(request)
      await Promise.all(times(10, (nth) => submit(client(nth), request.key, { maxSubmissions: 5 })))
      assert.equal((await verifications.get(request.id))?.submissions, 5)
      assert.ok(await verifications.use(useOf(request.id)))
    })

    test('what others did to an address ends nobody else’s code', async () => {
      const request = newIssue()
      await verifications.issue(request)
      const spent: Limit = {
        scope: 'address',
        key: unlike(),
        form: 'events',
        rules: [{ kind: 'window', max: 0, perMs: 60_000 }],
      }
      assert.equal((await submit(store, request.key, { counted: [spent] })).kind, 'throttled')
      const own = await submit(store, request.key)
      assert.ok(own.kind === 'taken' && own.record?.id === request.id)
    })

    test('a refusal by one’s own limits ends a code that took a submission, and none that took none', async () => {
      const request = newIssue()
      await verifications.issue(request)
      const full: Limit = {
        scope: 'member-address',
        key: unlike(),
        form: 'events',
        rules: [{ kind: 'window', max: 0, perMs: 60_000 }],
      }
      const isLive = async () => (await verifications.get(request.id))?.state === 'live'
      assert.equal((await submit(store, request.key, { counted: [full] })).kind, 'throttled')
      assert.equal(await isLive(), true)
      assert.equal((await submit(store, request.key)).kind, 'taken')
      assert.equal((await submit(store, request.key, { counted: [full] })).kind, 'throttled')
      assert.equal(await isLive(), false)
    })

    test('an expired verification is neither found nor used, and the next issue makes a new one', async () => {
      const request = newIssue({ lifetimeMs: 30 })
      await verifications.issue(request)
      await pause(60)
      const found = await submit(store, request.key)
      assert.ok(found.kind === 'taken' && found.record === undefined)
      assert.equal(await verifications.use(useOf(request.id)), undefined)
      const next = await verifications.issue(newIssue({ key: request.key }))
      assert.ok(next.kind === 'issued' && next.record.id !== request.id)
    })

    test('a use that does not consume leaves the code for a later one', async () => {
      const request = newIssue()
      await verifications.issue(request)
      assert.ok(await verifications.use(useOf(request.id, { consumes: false })))
      assert.ok(await verifications.use(useOf(request.id)))
      assert.equal(await verifications.use(useOf(request.id, { consumes: false })), undefined)
    })

    test('a right code gives its hit of the wrong ones back, and no other', async () => {
      const request = newIssue()
      await verifications.issue(request)
      const wrong: Limit = {
        scope: 'member',
        key: unlike(),
        form: 'events',
        rules: [{ kind: 'window', max: 1, perMs: 60_000 }],
      }
      const taken = await submit(store, request.key, { wrong: [wrong] })
      assert.ok(taken.kind === 'taken')
      assert.equal(await hasCapacity(wrong), false)
      assert.ok(await verifications.use(useOf(request.id, { wrong: taken.wrong })))
      assert.equal(await hasCapacity(wrong), true)
    })

    test('right codes give all their hits back, also where many meet at one limiter', async () => {
      const network: Limit = {
        scope: 'network',
        key: unlike(),
        form: 'events',
        rules: [{ kind: 'window', max: 1000, perMs: 60_000 }],
      }
      await Promise.all(
        times(40, async (nth) => {
          for (let round = 0; round < 5; round++) {
            const request = newIssue()
            await client(nth).verifications.issue(request)
            const taken = await submit(client(nth), request.key, { wrong: [network] })
            assert.ok(taken.kind === 'taken')
            const use = useOf(request.id, { wrong: taken.wrong })
            assert.ok(await client(nth).verifications.use(use))
          }
        }),
      )
      const one: Limit = { ...network, rules: [{ kind: 'window', max: 1, perMs: 60_000 }] }
      assert.equal((await limiters.acquire([one])).kind, 'acquired')
    })

    test('a call that succeeded is known again until its code would have ended', async () => {
      const request = newIssue({ lifetimeMs: 400 })
      await verifications.issue(request)
      const repeat = unlike()
      await verifications.use(useOf(request.id, { repeat }))
      assert.equal((await submit(store, request.key, { repeat })).kind, 'repeated')
      assert.equal((await submit(store, request.key, { repeat: unlike() })).kind, 'taken')
      await pause(450)
      assert.equal((await submit(store, request.key, { repeat })).kind, 'taken')
    })

    test('those that may be used are counted', async () => {
      const before = await verifications.countLive()
      const [first, second] = [newIssue(), newIssue()]
      await verifications.issue(first)
      await verifications.issue(second)
      assert.equal(await verifications.countLive(), before + 2)
      await verifications.use(useOf(first.id))
      await verifications.use(useOf(second.id))
      assert.equal(await verifications.countLive(), before)
    })

    test('takes are all or nothing, also under a race', async () => {
      const narrow: Limit = {
        scope: 'member',
        key: unlike(),
        form: 'events',
        rules: [{ kind: 'window', max: 3, perMs: 60_000 }],
      }
      const wide: Limit = {
        scope: 'network',
        key: unlike(),
        form: 'events',
        rules: [{ kind: 'window', max: 10, perMs: 60_000 }],
      }
      const results = await Promise.all(times(30, (nth) => client(nth).limiters.acquire([wide, narrow])))
      assert.equal(results.filter((result) => result.kind === 'acquired').length, 3)
      const rest = await Promise.all(times(30, (nth) => client(nth).limiters.acquire([wide])))
      assert.equal(rest.filter((result) => result.kind === 'acquired').length, 7)
    })
  })
}
