/** Every engine's duties with queued messages: give each to one claimer, and lose none. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import { type Clients, claimed, lease, newIssue, newMessage, pause, settlementOf, times } from './fixtures.ts'

export function outboxConformance({ store, client }: Clients): void {
  const { verifications, outbox } = store
  describe('outbox', () => {
    test('a due message goes to one claimer, and to another once the lease has run out', async () => {
      const messages = times(40, () => newMessage())
      await outbox.queue(messages, { owner: 'dead', ms: 0 })
      const ids = new Set(messages.map((message) => message.id))
      const claims = await Promise.all(
        times(12, (nth) => client(nth).outbox.claim(10, { owner: `c${nth}`, ms: 60_000 })),
      )
      const mine = claims.flat().filter((entry) => ids.has(entry.message.id))
      assert.equal(mine.length, 40)
      assert.equal(new Set(mine.map((entry) => entry.message.id)).size, 40)
      assert.ok(
        mine.every((entry) => entry.nth === 2 && entry.remainingMs > 50_000 && entry.remainingMs <= 60_000),
      )
      await outbox.settle(mine.map((entry) => settlementOf(entry, { kind: 'done' })))

      const [slow] = await outbox.queue([newMessage()], { owner: 'dead', ms: 0 })
      ids.add(slow!.message.id)
      const claim = async (ms: number) =>
        (await outbox.claim(1000, { owner: 'c', ms })).filter((entry) => ids.has(entry.message.id))
      assert.equal((await claim(100)).length, 1)
      await pause(150)
      const again = await claim(60_000)
      assert.equal(again.length, 1)
      await outbox.settle(again.map((entry) => settlementOf(entry, { kind: 'done' })))
      assert.equal((await outbox.claim(1000, lease)).filter((entry) => ids.has(entry.message.id)).length, 0)
    })

    test('a code message is claimed with what its code is made from', async () => {
      const request = newIssue({ lease: { owner: 'dead', ms: 0 } })
      await verifications.issue(request)
      const entry = await claimed(store, request.message!.id)
      assert.deepEqual(entry?.message, request.message)
      assert.equal(entry?.verification?.id, request.id)
      assert.equal(entry?.deadlineAt, entry?.verification?.expiresAt)
    })

    test('a message to try again is due after its wait, not before', async () => {
      const [entry] = await outbox.queue([newMessage()], lease)
      await outbox.settle([settlementOf(entry!, { kind: 'retry', afterMs: 200 }, 'unavailable')])
      const due = async () =>
        (await outbox.claim(1000, lease)).some((one) => one.message.id === entry!.message.id)
      assert.equal(await due(), false)
      await pause(250)
      assert.equal(await due(), true)
    })

    test('what an owner held when it died is due at once when it releases it', async () => {
      const [entry] = await outbox.queue([newMessage()], { owner: 'dying', ms: 3_600_000 })
      const due = async () =>
        (await outbox.claim(1000, lease)).some((one) => one.message.id === entry!.message.id)
      assert.equal(await due(), false)
      await outbox.release('somebody else')
      assert.equal(await due(), false)
      await outbox.release('dying')
      assert.equal(await due(), true)
    })

    test('a message given back untried is due again, and its claim did not count', async () => {
      const [entry] = await outbox.queue([newMessage()], lease)
      await outbox.postpone(
        [{ messageId: entry!.message.id, queuedAt: entry!.queuedAt, verification: '' }],
        100,
      )
      const due = async () =>
        (await outbox.claim(1000, lease)).find((one) => one.message.id === entry!.message.id)
      assert.equal(await due(), undefined)
      await pause(150)
      assert.equal((await due())?.nth, 1)
    })

    test('that a message is being handed over is known to who claims it after a crash, until it is settled', async () => {
      const dying = { owner: 'dying', ms: 3_600_000 }
      const issued = async () => {
        const request = newIssue({ lease: dying })
        const result = await verifications.issue(request)
        assert.ok(result.kind === 'issued')
        return result.entry!
      }
      const [code, postponed, retried] = [await issued(), await issued(), await issued()]
      const [notice] = await outbox.queue([newMessage()], dying)
      const all = [code!, postponed!, retried!, notice!]
      const markOf = ({ message, queuedAt, verification, nth }: OutboxEntry) => ({
        messageId: message.id,
        queuedAt,
        verification: verification?.id ?? '',
        nth,
        provider: 'p',
      })
      assert.deepEqual(await outbox.begin(all.map(markOf)), [true, true, true, true])
      await outbox.postpone([markOf(postponed!)], 0)
      await outbox.settle([settlementOf(retried!, { kind: 'retry', afterMs: 0 }, 'unavailable')])
      await outbox.release('dying')
      const again = new Map<string, OutboxEntry>()
      for (let looks = 0; looks < 8; looks++)
        for (const entry of await outbox.claim(1000, lease)) again.set(entry.message.id, entry)
      assert.deepEqual(
        all.map(({ message }) => again.get(message.id)!.begun),
        ['p', undefined, undefined, 'p'],
      )
      // The claim of the dead owner has ended, so its late marks are ignored.
      assert.deepEqual(await outbox.begin([markOf(code!), markOf(notice!)]), [false, false])
      const gone = { ...markOf(code!), queuedAt: code!.queuedAt - 1 }
      assert.deepEqual(await outbox.begin([gone]), [false])
    })

    test('a retry by an owner whose lease ran out leaves the message to its present owner', async () => {
      const request = newIssue({ lease: { owner: 'slow', ms: 0 } })
      const issued = await verifications.issue(request)
      assert.ok(issued.kind === 'issued')
      const { id } = request.message!
      const claimOne = async (owner: string) =>
        (await outbox.claim(1000, { owner, ms: 60_000 })).find(({ message }) => message.id === id)
      const present = await claimOne('present')
      assert.equal(present?.nth, 2)
      await outbox.settle([settlementOf(issued.entry!, { kind: 'retry', afterMs: 0 }, 'unavailable')])
      assert.equal(await claimOne('third'), undefined, 'it is being handed over')
      await outbox.settle([settlementOf(present, { kind: 'retry', afterMs: 0 }, 'unavailable')])
      assert.deepEqual((await claimOne('third'))?.tried, ['p'])
    })

    test('a retry knows which providers were tried', async () => {
      const [entry] = await outbox.queue([newMessage()], lease)
      await outbox.settle([settlementOf(entry!, { kind: 'retry', afterMs: 0 }, 'unavailable')])
      const [again] = (await outbox.claim(1000, lease)).filter((one) => one.message.id === entry!.message.id)
      assert.deepEqual(again?.tried, ['p'])
      await outbox.settle([settlementOf(again!, { kind: 'retry', afterMs: 0 }, 'unknown', { provider: 'q' })])
      const [last] = (await outbox.claim(1000, lease)).filter((one) => one.message.id === entry!.message.id)
      assert.deepEqual([last?.tried, last?.unknowns], [['p', 'q'], 1])
    })
  })
}
