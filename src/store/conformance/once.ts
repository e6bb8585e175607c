/** Every engine's duties with calls that come again by the same key, and with the acts of callers with an API key. */

import assert from 'node:assert/strict'
import { describe, test as testOf } from 'node:test'
import type { NextChannel } from '../../message/second.ts'
import type { Limit } from '../../throttle/acquire.ts'
import type { Verification } from '../../verification/verification.ts'
import type { Once } from '../once.ts'
import type { Verifications } from '../verifications.ts'
import {
  type Clients,
  claimed,
  lease,
  newIssue,
  newKey,
  newMessage,
  pause,
  settlementOf,
  times,
  unlike,
  useOf,
} from './fixtures.ts'
import { details } from './subjects.ts'

const newOnce = (): Once => ({ key: unlike(), fingerprint: unlike() })
const other = (once: Once): Once => ({ ...once, fingerprint: unlike() })

export function onceConformance({ store, client, lacks }: Clients): void {
  const { verifications, outbox } = store
  const test = (name: string, run: () => Promise<void>) =>
    testOf(name, { skip: lacks.includes(name) && 'this engine cannot do it yet' }, run)

  const started = async (change: Parameters<typeof newIssue>[0] = {}): Promise<Verification> => {
    const result = await verifications.issue(newIssue({ details, ...change }))
    assert.ok(result.kind === 'issued')
    return result.record
  }
  const narrow = (max: number, kind: 'window' | 'gaps' = 'window'): Limit => ({
    scope: 'member',
    key: unlike(),
    form: 'events',
    rules: [
      kind === 'window'
        ? { kind, max, perMs: 60_000 }
        : { kind, gapsMs: times(max, () => 60_000), perMs: 60_000 },
    ],
  })
  const submissionOf = (record: Verification) => ({
    key: record,
    id: record.id,
    counted: [],
    wrong: [],
    maxSubmissions: 5,
  })

  /** Not exactly so many: messages of earlier tests may leave the queue in between. */
  const queuedAtMost = async (most: number) => {
    const { queued } = await outbox.depth()
    assert.ok(queued <= most, `${queued} are queued, and at most ${most} should be`)
  }

  /** Races an act by one key, and holds it to one effect and one result. */
  async function actsOnce<Result extends object | undefined>(
    act: (on: Verifications, once: Once) => Promise<Result>,
  ): Promise<Result> {
    const once = newOnce()
    const results = await Promise.all(times(30, (nth) => act(client(nth).verifications, once)))
    const first = results.filter((result) => !('replayed' in result!))
    assert.equal(first.length, 1, 'one of them acts')
    const { entry: _entry, ...kept } = first[0] as { entry?: unknown }
    for (const result of [...results, await act(client(1).verifications, once)])
      if (result !== first[0]) assert.deepEqual(result, { ...kept, replayed: true })
    return first[0]!
  }

  describe('calls that come again', () => {
    test('an issue by one key makes one verification and queues one message', async () => {
      const queuedMore = async () => {
        const before = (await outbox.depth()).queued
        const key = newKey()
        const limits = [narrow(100)]
        const result = await actsOnce((on, once) => on.issue(newIssue({ key, details, limits, once })))
        assert.equal(result.kind, 'issued')
        return (await outbox.depth()).queued - before
      }
      // A message of another test may leave the queue in between.
      const counts = [await queuedMore(), await queuedMore(), await queuedMore()]
      assert.equal(Math.max(...counts), 1)
    })

    test('a key that comes with another body is a mismatch, and does nothing', async () => {
      const once = newOnce()
      const first = newIssue({ once })
      await verifications.issue(first)
      const second = newIssue({ once: other(once) })
      assert.deepEqual(await verifications.issue(second), { kind: 'mismatch' })
      assert.equal(await verifications.get(second.id), undefined)
      const record = await started()
      const taken = newOnce()
      await verifications.takeSubmission({ ...submissionOf(record), once: taken })
      const again = await verifications.takeSubmission({ ...submissionOf(record), once: other(taken) })
      assert.deepEqual(again, { kind: 'mismatch' })
      assert.equal((await verifications.get(record.id))?.submissions, 1)
    })

    test('a submission by one key is counted once, and its use succeeds for that key alone', async () => {
      const record = await started()
      // Wide enough for all at once: an engine may count them on their way, and refund those that come again.
      const wrong = narrow(100)
      const taken = await actsOnce((on, once) =>
        on.takeSubmission({ ...submissionOf(record), wrong: [wrong], once }),
      )
      assert.ok(taken.kind === 'taken' && taken.record?.submissions === 1 && taken.wrong.length === 1)
      assert.equal((await verifications.get(record.id))?.submissions, 1)
      await actsOnce((on, once) => on.use(useOf(record.id, { wrong: taken.wrong, once })))
      assert.equal(await verifications.use(useOf(record.id, { once: newOnce() })), undefined)
      assert.equal(await verifications.use(useOf(record.id)), undefined)
    })

    test('what was refused is not kept: the same call may succeed later', async () => {
      const once = newOnce()
      const limit = narrow(1)
      const brief: Limit = { ...limit, rules: [{ kind: 'window', max: 1, perMs: 80 }] }
      await started({ limits: [brief] })
      const request = newIssue({ details, limits: [brief], once })
      assert.equal((await verifications.issue(request)).kind, 'throttled')
      await pause(120)
      const result = await verifications.issue(request)
      assert.ok(result.kind === 'issued' && !result.replayed)
    })
  })

  describe('a start while one is live', () => {
    test('within the gap the live one is kept, and any other limit refuses', async () => {
      const key = newKey()
      const gap = narrow(3, 'gaps')
      const first = await started({ key, limits: [gap] })
      const again = { key, details, keepsLive: { quietMs: 0 } }
      const kept = await verifications.issue(newIssue({ ...again, limits: [gap] }))
      assert.ok(kept.kind === 'kept' && kept.record.id === first.id)
      assert.ok(kept.retryAfterMs! > 0 && kept.retryAfterMs! <= 60_000)
      assert.equal((await verifications.issue(newIssue({ key, details, limits: [gap] }))).kind, 'throttled')
      const none = narrow(0)
      const refused = await verifications.issue(newIssue({ ...again, limits: [none] }))
      assert.equal(refused.kind, 'throttled')
      assert.equal((await verifications.issue(newIssue({ ...again }))).kind, 'live')
    })

    test('within a quiet time it is kept, and no limit is asked', async () => {
      const key = newKey()
      const limit = narrow(1)
      const first = await started({ key, limits: [limit] })
      const before = (await outbox.depth()).queued
      const kept = await verifications.issue(
        newIssue({ key, details, limits: [limit], keepsLive: { quietMs: 30_000 } }),
      )
      assert.ok(kept.kind === 'kept' && kept.record.id === first.id && kept.retryAfterMs === null)
      await queuedAtMost(before)
    })
  })

  describe('acts on a verification by its id', () => {
    test('a resend queues one more message of the same code, within limits, while it lives', async () => {
      const record = await started()
      const before = (await outbox.depth()).queued
      const limits = [narrow(100)]
      const request = () => ({ id: record.id, maxSubmissions: 5, limits, message: newMessage(), lease })
      const sent = await actsOnce((on, once) => on.resend({ ...request(), once }))
      assert.ok(sent.kind === 'sent' && sent.record.id === record.id)
      assert.equal(sent.record.expiresAt, record.expiresAt)
      await queuedAtMost(before + 1)
      assert.equal((await verifications.resend({ ...request(), limits: [narrow(0)] })).kind, 'throttled')
      await verifications.use(useOf(record.id))
      const late = await verifications.resend({ ...request(), limits: [] })
      assert.ok(late.kind === 'ended' && late.record?.state === 'used')
      const unknown = await verifications.resend({ ...request(), id: newIssue().id })
      assert.ok(unknown.kind === 'ended' && unknown.record === undefined)
      await queuedAtMost(before + 1)
    })

    test('the next step of a plan waits for its time, comes at once if hastened, and keeps its place', async () => {
      const make = async (next: Partial<NextChannel> = {}) => {
        const issued = await verifications.issue(newIssue({ details }))
        assert.ok(issued.kind === 'issued' && issued.entry)
        const step = { kind: 'second', channel: 'voice', afterMs: 50_000, step: 1, ...next } as const
        const accepted = { receiptKey: issued.entry.message.id, providerMessageId: 'x' }
        await outbox.settle([settlementOf(issued.entry, step, 'accepted', accepted)])
        const { queuedAt, message } = issued.entry
        return {
          id: issued.record.id,
          maxSubmissions: 5,
          entry: { messageId: message.id, queuedAt, verification: issued.record.id },
        }
      }
      const one = await make()
      assert.equal(await claimed(store, one.entry.messageId), undefined)
      const result = await actsOnce((on, once) => on.hasten({ ...one, once }))
      assert.ok(result.kind === 'hastened' && result.channel === 'voice' && result.record.id === one.id)
      const claim = await claimed(store, one.entry.messageId)
      assert.deepEqual(
        [claim?.message.channel, claim?.step, claim?.isSecond, claim?.nth],
        ['voice', 1, true, 2],
      )
      assert.deepEqual(await verifications.hasten(one), { kind: 'none' })
      await verifications.use(useOf(one.id))
      assert.equal((await verifications.hasten(one)).kind, 'ended')

      const receive = (key: string) =>
        store.dispatches.receive([{ provider: 'p', key, state: 'delivered', providerCode: '' }])
      const ended = await make()
      await receive(ended.entry.messageId)
      assert.deepEqual(await verifications.hasten(ended), { kind: 'none' }, 'delivered, so no step follows')
      const goesOn = await make({ afterDelivery: true })
      await receive(goesOn.entry.messageId)
      assert.equal((await verifications.hasten(goesOn)).kind, 'hastened', 'unless the code is used')
    })

    test('one without a submission left is sent no more, and makes room for another; a counted submission still wins', async () => {
      const guessedOut = async () => {
        const record = await started({ key: newKey() })
        for (let i = 0; i < 4; i++) await verifications.takeSubmission(submissionOf(record))
        const request = { id: record.id, maxSubmissions: 5, limits: [], lease }
        assert.equal((await verifications.resend({ ...request, message: newMessage() })).kind, 'sent')
        await verifications.takeSubmission(submissionOf(record))
        return { record, request }
      }
      const before = (await outbox.depth()).queued
      const [one, two, three] = [await guessedOut(), await guessedOut(), await guessedOut()]
      const queued = before + 6
      await queuedAtMost(queued)

      const resent = await verifications.resend({ ...one.request, message: newMessage() })
      assert.ok(resent.kind === 'ended' && resent.record?.state === 'spent')
      const entry = { messageId: unlike(), queuedAt: 0, verification: two.record.id }
      const hastened = await verifications.hasten({ ...two.request, entry })
      assert.ok(hastened.kind === 'ended' && hastened.record?.state === 'spent')
      await queuedAtMost(queued)

      for (const keepsLive of [undefined, { quietMs: 60_000 }]) {
        const { record } = keepsLive ? three : one
        const request = newIssue({ key: record, details, ...(keepsLive && { keepsLive }) })
        const next = await verifications.issue(request)
        assert.ok(next.kind === 'issued' && next.record.id === request.id && next.record.submissions === 0)
        assert.equal((await verifications.get(record.id))?.state, 'spent')
        assert.equal(await winsOf(record), 1)
        assert.equal(await winsOf(next.record), 1)
      }
      function winsOf({ id }: Verification) {
        return Promise.all(times(10, (nth) => client(nth).verifications.use(useOf(id)))).then(
          (all) => all.filter(Boolean).length,
        )
      }
    })

    test('of many starts for a code without a submission left one makes the next', async () => {
      const record = await started({ key: newKey() })
      for (let i = 0; i < 5; i++) await verifications.takeSubmission(submissionOf(record))
      const results = await Promise.all(
        times(20, (nth) => client(nth).verifications.issue(newIssue({ key: record, details }))),
      )
      const kinds = results.map(({ kind }) => kind).toSorted()
      assert.deepEqual(kinds, ['issued', ...times(19, () => 'live')])
    })

    test('a cancelled one is used by nobody, and makes room for another', async () => {
      const key = newKey()
      const record = await started({ key })
      const result = await actsOnce((on, once) => on.cancel({ id: record.id, once }))
      assert.ok(result.kind === 'cancelled' && result.record.state === 'cancelled')
      assert.equal(await verifications.use(useOf(record.id)), undefined)
      const taken = await verifications.takeSubmission(submissionOf(record))
      assert.ok(
        taken.kind === 'taken' && taken.record?.state === 'cancelled' && taken.record.submissions === 0,
      )
      const again = await verifications.cancel({ id: record.id })
      assert.ok(again.kind === 'ended' && again.record?.state === 'cancelled')
      assert.equal((await verifications.issue(newIssue({ key, details }))).kind, 'issued')
    })

    test('of cancelling and using at once one wins', async () => {
      for (let round = 0; round < 10; round++) {
        const record = await started()
        const [cancelled, used] = await Promise.all([
          client(0).verifications.cancel({ id: record.id }),
          client(1).verifications.use(useOf(record.id)),
        ])
        assert.equal(cancelled.kind === 'cancelled', used === undefined)
      }
    })

    test('a held one sends nothing and takes no code, until it is solved, once', async () => {
      const key = newKey()
      const before = (await outbox.depth()).queued
      const { message: _none, ...request } = newIssue({ key, details, isHeld: true, lifetimeMs: 600_000 })
      const issued = await verifications.issue(request)
      assert.ok(issued.kind === 'issued' && issued.record.state === 'held')
      await queuedAtMost(before)
      const taken = await verifications.takeSubmission(submissionOf(issued.record))
      assert.ok(taken.kind === 'taken' && taken.record?.state === 'held' && taken.record.submissions === 0)
      assert.equal(await verifications.use(useOf(request.id)), undefined)
      const resent = await verifications.resend({
        id: request.id,
        maxSubmissions: 5,
        limits: [],
        message: newMessage(),
        lease,
      })
      assert.ok(resent.kind === 'ended' && resent.record?.state === 'held')

      const solve = (on: Verifications, once?: Once) =>
        on.solve({
          id: request.id,
          key,
          lifetimeMs: 60_000,
          message: newMessage(),
          lease,
          ...(once && { once }),
        })
      const results = await Promise.all(times(30, (nth) => solve(client(nth).verifications)))
      const [won, ...more] = results.filter((result) => result.kind === 'sent')
      assert.ok(won?.kind === 'sent' && more.length === 0)
      assert.equal(won.record.state, 'live')
      assert.equal(won.record.expiresAt - won.record.issuedAt, 60_000)
      assert.equal(won.entry?.deadlineAt, won.record.expiresAt)
      await queuedAtMost(before + 1)
      assert.deepEqual(await verifications.get(request.id), won.record)
      const again = await solve(verifications, newOnce())
      assert.ok(again.kind === 'ended' && again.record?.state === 'live')
      const counted = await verifications.takeSubmission({ ...submissionOf(won.record) })
      assert.ok(counted.kind === 'taken' && counted.record?.submissions === 1)
      assert.ok(await verifications.use(useOf(request.id)))
    })

    test('solving by one key sends one message; a held one ends with its time', async () => {
      const make = async (lifetimeMs: number) => {
        const { message: _none, ...request } = newIssue({ details, isHeld: true, lifetimeMs })
        await verifications.issue(request)
        return request
      }
      const held = await make(600_000)
      const solveOf = ({ id, key }: typeof held) => ({ id, key, lifetimeMs: 60_000, lease })
      const result = await actsOnce((on, once) => on.solve({ ...solveOf(held), message: newMessage(), once }))
      assert.equal(result.kind, 'sent')
      const brief = await make(30)
      await pause(60)
      assert.equal((await verifications.solve(solveOf(brief))).kind, 'ended')
      assert.equal((await verifications.cancel({ id: brief.id })).kind, 'ended')
      const cancelled = await make(600_000)
      assert.equal((await verifications.cancel({ id: cancelled.id })).kind, 'cancelled')
      assert.equal((await verifications.solve(solveOf(cancelled))).kind, 'ended')
    })

    test('one that was live when another for its key is solved ends as cancelled', async () => {
      const key = newKey()
      const { message: _none, ...held } = newIssue({ key, details, isHeld: true, lifetimeMs: 600_000 })
      await verifications.issue(held)
      const live = await started({ key })
      assert.equal((await verifications.solve({ id: held.id, key, lifetimeMs: 60_000, lease })).kind, 'sent')
      assert.equal((await verifications.get(live.id))?.state, 'cancelled')
      const again = await verifications.issue(newIssue({ key, details }))
      assert.ok(again.kind === 'live' && again.record.id === held.id)
    })
  })
}
