/** Every engine's duties with events: none without a reader, each once and in its place for whoever goes on from the last. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Address, maskAddress } from '../../address/address.ts'
import { verificationFacts } from '../../verification/facts.ts'
import { newVerificationId } from '../../verification/verification.ts'
import type { AppEvent, EventPage, EventType, NewEvent } from '../events.ts'
import type { IssueRequest } from '../verifications.ts'
import {
  type Clients,
  changeOf,
  newIssue,
  newKey,
  newMember,
  newMessage,
  newPhone,
  pause,
  settlementOf,
  times,
  unlike,
  useOf,
  verifiedIn,
} from './fixtures.ts'

export function eventConformance({ store, client, lacks }: Clients): void {
  const newEvent = (app: string, nth: number, type: EventType = 'verification.used'): NewEvent => ({
    type,
    tenant: 't',
    app,
    verification: 'v',
    facts: { nth, words: ['“', { inner: null }], is: true },
  })
  const readBy = (...apps: string[]) => Promise.all([0, 1].map((nth) => client(nth).events.setReaders(apps)))
  const read = async (
    app: string,
    after: string | null,
    types: readonly EventType[] | null = null,
    max = 100,
  ) => (await store.events.read({ app, after, types, max })) as EventPage
  const nthOf = ({ facts }: AppEvent) => facts.nth

  /** Reads to the end, as a reader who was away. */
  async function all(app: string, max: number, after: string | null = null): Promise<AppEvent[]> {
    const page = await read(app, after, null, max)
    return page.isMore ? [...page.events, ...(await all(app, max, page.last))] : [...page.events]
  }

  describe('events', () => {
    test('an app without a reader has none, and one with a reader gets those from then on', async () => {
      const [app, other] = [unlike(), unlike()]
      await readBy(other)
      await store.events.append([newEvent(app, 1), newEvent(other, 1)])
      await readBy(app)
      await store.events.append([newEvent(app, 2), newEvent(other, 2)])
      const [mine, others] = [await all(app, 10), await all(other, 10)]
      assert.deepEqual([mine.map(nthOf), others.map(nthOf)], [[2], [1]])
      const { id, at, ...event } = mine[0]!
      assert.deepEqual(event, newEvent(app, 2))
      assert.match(id, /^[0-9a-f]{44}$/)
      assert.ok(Math.abs((await store.now()) - at) < 60_000)
      assert.deepEqual(await store.events.heads([other, unlike(), app]), [others[0]!.id, null, id])
      await readBy()
    })

    test('pages of any size give each event once and in order, and a page may hold no event of the types asked for', async () => {
      const app = unlike()
      await readBy(app)
      const types: EventType[] = ['verification.used', 'verification.sent']
      await store.events.append(times(25, (nth) => newEvent(app, nth, types[nth % 2])))
      const whole = await all(app, 100)
      assert.deepEqual(
        whole.map(nthOf),
        times(25, (nth) => nth),
      )
      for (const max of [1, 7, 25]) assert.deepEqual(await all(app, max), whole)
      const some = await store.events.find(app, [whole[2]!.id, unlike(), whole[1]!.id])
      assert.deepEqual(some.map(nthOf).toSorted(), [1, 2])
      assert.deepEqual(await store.events.find(unlike(), [whole[2]!.id]), [])
      const sent = await read(app, whole[3]!.id, ['verification.sent'], 3)
      assert.deepEqual(sent.events.map(nthOf), [5, 7, 9])
      assert.ok(sent.isMore)
      const none = await read(app, whole[3]!.id, ['contact.changed'])
      assert.deepEqual(none, { events: [], last: whole.at(-1)!.id, isMore: false })
      assert.deepEqual(await read(app, whole.at(-1)!.id), { events: [], last: null, isMore: false })
      await readBy()
    })

    test('an event of another app, or one that was never there, is no place to go on from', async () => {
      const [app, other] = [unlike(), unlike()]
      await readBy(app, other)
      await store.events.append([newEvent(app, 1), newEvent(other, 1)])
      const [one] = await all(app, 10)
      for (const after of [one!.id, unlike(), ''])
        assert.equal(await store.events.read({ app: other, after, types: null, max: 10 }), undefined)
      await readBy()
    })

    test('while many write, a reader who goes on from the last event gets each once', async () => {
      const app = unlike()
      await readBy(app)
      const found: AppEvent[] = []
      let isWriting = true
      const reading = (async () => {
        for (let after: string | null = null, isLast = false; !isLast; ) {
          isLast = !isWriting
          const page = await read(app, after, null, 9)
          found.push(...page.events)
          after = page.last ?? after
          isLast &&= !page.isMore
        }
      })()
      await Promise.all(
        times(8, async (writer) => {
          for (let nth = 0; nth < 12; nth++)
            await client(writer).events.append([newEvent(app, writer * 100 + nth)])
        }),
      )
      isWriting = false
      await reading
      assert.equal(found.length, 96)
      assert.deepEqual(found, await all(app, 50))
      for (const writer of times(8, (nth) => nth))
        assert.deepEqual(
          found.map((one) => Number(nthOf(one))).filter((nth) => Math.floor(nth / 100) === writer),
          times(12, (nth) => writer * 100 + nth),
          'those of one writer are in their order',
        )
      await readBy()
    })

    describe('events of acts', {
      skip: lacks.includes('events of acts') && 'this engine cannot do it yet',
    }, () => {
      /** Issues for an app whose events are read. */
      async function issued(change: Partial<IssueRequest> = {}) {
        const app = unlike()
        await readBy(app)
        const request = newIssue({ key: newKey({ app }), message: newMessage({ app }), ...change })
        const result = await store.verifications.issue(request)
        assert.ok(result.kind === 'issued')
        return { app, id: request.id, key: request.key, entry: result.entry, record: result.record }
      }
      const told = async (app: string) => {
        const events = await all(app, 100)
        await readBy()
        return events
      }
      const typesOf = (events: readonly AppEvent[]) => events.map(({ type }) => type)
      const submit = (key: IssueRequest['key'], maxSubmissions = 5) =>
        store.verifications.takeSubmission({ key, counted: [], wrong: [], maxSubmissions })

      test('a verification is told from its start by dispatch and delivery to its use, each once, with masks and no address', async () => {
        const details = { channel: 'sms', locale: 'en-US', metadata: { cart: '7' } }
        const { app, id, key, entry, record } = await issued({ details })
        await store.verifications.issue(newIssue({ key, message: newMessage() }))
        const facts = verificationFacts(record)
        const receiptKey = unlike()
        const price = { amount: '0.01', currency: 'EUR' }
        const accepted = settlementOf(entry!, { kind: 'done' }, 'accepted', { receiptKey, segments: 2 })
        await store.outbox.settle([{ ...accepted, told: facts }])
        await store.outbox.settle([{ ...accepted, told: facts }])
        const receipt = { provider: 'p', key: receiptKey, providerCode: 'ok' }
        for (const state of ['enroute', 'delivered', 'delivered'] as const)
          await store.dispatches.receive([{ ...receipt, state, price }])
        await submit(key)
        await store.verifications.use(useOf(id))
        assert.equal(await store.verifications.use(useOf(id)), undefined)
        const events = await told(app)
        assert.deepEqual(typesOf(events), [
          'verification.created',
          'verification.sent',
          'verification.delivered',
          'verification.used',
        ])
        for (const event of events) {
          assert.equal(event.verification, id)
          const { toMasked, subject, purpose, metadata } = event.facts
          assert.deepEqual(
            { toMasked, subject, purpose, metadata },
            {
              toMasked: '+86138****8000',
              subject: key.subject,
              purpose: 'new-contact',
              metadata: { cart: '7' },
            },
          )
          assert.doesNotMatch(JSON.stringify(event), /13800138000/)
        }
        const [created, sent, delivered, used] = events.map((event) => event.facts)
        assert.equal(created!.expiresAt, record.expiresAt)
        assert.deepEqual([sent!.carrier, sent!.segments, sent!.price], ['p', 2, null])
        assert.deepEqual([delivered!.carrierCode, delivered!.price], ['ok', price])
        assert.deepEqual([used!.submissions, used!.channel, used!.carrier], [1, 'sms', 'p'])
      })

      test('one that no carrier takes is undeliverable, one with too many submissions is spent, each told once', async () => {
        const { app, key, entry, record } = await issued()
        const failed = settlementOf(entry!, { kind: 'failed' }, 'refused', { providerCode: '21 no such' })
        await store.outbox.settle([{ ...failed, told: verificationFacts(record) }])
        await store.outbox.settle([{ ...failed, told: verificationFacts(record) }])
        for (let nth = 0; nth < 4; nth++) await submit(key, 2)
        const events = await told(app)
        assert.deepEqual(typesOf(events), [
          'verification.created',
          'verification.undeliverable',
          'verification.spent',
        ])
        assert.deepEqual([events[1]!.facts.outcome, events[1]!.facts.carrierCode], ['refused', '21 no such'])
      })

      test('one that runs out is told as expired when the next act or the sweep finds it, once', async () => {
        const { app, id, key } = await issued({ lifetimeMs: 20 })
        await pause(40)
        await Promise.all(
          times(4, (nth) => client(nth).verifications.issue(newIssue({ key, lifetimeMs: 20 }))),
        )
        await pause(40)
        await store.sweep(86_400_000)
        const events = await told(app)
        assert.deepEqual(typesOf(events).slice(0, 3).toSorted(), [
          'verification.created',
          'verification.created',
          'verification.expired',
        ])
        // The second may be found by a later sweep.
        const expired = events.filter(({ type }) => type === 'verification.expired')
        assert.equal(expired.filter(({ verification }) => verification === id).length, 1)
        assert.equal(new Set(expired.map(({ verification }) => verification)).size, expired.length)
      })

      test('one that is held until its challenge has run out is told as expired', async () => {
        const app = unlike()
        await readBy(app)
        const key = newKey({ app })
        // Its id is a minute old, so that a sweep looks at it in a second.
        const id = newVerificationId(Date.now() - 64_000, key.address)
        const { message: _none, ...request } = newIssue({ key, id, isHeld: true, lifetimeMs: 20 })
        await store.verifications.issue(request)
        const isTold = async () => {
          await store.sweep(86_400_000)
          return (await all(app, 100)).some(({ type }) => type === 'verification.expired')
        }
        for (let nth = 0; nth < 100 && !(await isTold()); nth++) await pause(50)
        assert.deepEqual(typesOf(await told(app)).toSorted(), [
          'verification.created',
          'verification.expired',
          'verification.held',
        ])
      })

      test('a changed contact ends other codes, and all of it is told', async () => {
        const app = unlike()
        await readBy(app)
        const member = newMember({ phone: newPhone() })
        await store.directory.putMembers([member])
        const address = newPhone()
        const verification = await verifiedIn(store, member, address, app)
        await verifiedIn(store, member, newPhone(), app)
        const result = await store.directory.changeContact(changeOf(member, address, verification, { app }))
        assert.equal(result.kind, 'changed')
        const events = await told(app)
        assert.deepEqual(typesOf(events).slice(0, 3), [
          'verification.created',
          'verification.created',
          'verification.used',
        ])
        assert.deepEqual(typesOf(events).slice(3).toSorted(), ['contact.changed', 'verification.cancelled'])
        const { facts } = events.find(({ type }) => type === 'contact.changed')!
        const mask = (of: Address | null) => of && maskAddress(of)
        assert.deepEqual(facts, {
          subject: member.id,
          contact: 'phone',
          oldMasked: mask(member.phone),
          newMasked: mask(address),
          cause: 'code',
        })
      })
    })
  })
}
