/** Every engine's duties with the record of dispatches: keep each, move it up by receipts only, count it once. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import { type ReceiptState, receiptStates as states } from '../../message/receipt-state.ts'
import type { Settlement } from '../outbox.ts'
import type { IssueRequest } from '../verifications.ts'
import {
  type Clients,
  claimed,
  lease,
  newIssue,
  newMessage,
  pause,
  settlementOf,
  times,
  unlike,
  useOf,
} from './fixtures.ts'

export function dispatchConformance({ store, client }: Clients): void {
  /** A verification whose message is claimed, as after its issue. */
  async function issued(change: Partial<IssueRequest> = {}): Promise<OutboxEntry> {
    const request = newIssue(change)
    const result = await store.verifications.issue(request)
    assert.ok(result.kind === 'issued')
    return result.entry!
  }
  const settle = (entry: OutboxEntry, answer: Partial<Settlement['dispatch']>, next?: Settlement['next']) =>
    store.outbox.settle([settlementOf(entry, next ?? { kind: 'done' }, answer.outcome, answer)])
  const of = async (entry: OutboxEntry) => store.dispatches.of(entry.verification!.id)

  describe('dispatches', () => {
    test('of two dispatches that end a message in one step, the second is late', async () => {
      const entry = await issued()
      const ends = (nth: number) => settlementOf({ ...entry, nth }, { kind: 'done' }, 'accepted')
      await store.outbox.settle([ends(1), ends(2)])
      assert.deepEqual(
        (await of(entry)).map(({ nth, isLate }) => ({ nth, isLate })),
        [
          { nth: 1, isLate: false },
          { nth: 2, isLate: true },
        ],
      )
    })

    test('each dispatch of a verification is recorded, a late one too, and once however often it is settled', async () => {
      const entry = await issued()
      const first = settlementOf(entry, { kind: 'retry', afterMs: 0 }, 'unavailable', {
        providerCode: '500 busy',
        handedOverAt: entry.queuedAt + 3,
        tookMs: 7.5,
      })
      await store.outbox.settle([first])
      const again = { ...entry, nth: 2 }
      const told = {
        provider: 'q',
        providerMessageId: 'id-1',
        segments: 2,
        handedOverAt: entry.queuedAt + 20,
      }
      await settle(again, { ...told, price: { amount: '0.0075', currency: 'USD' } })
      await settle({ ...entry, nth: 3 }, { outcome: 'unknown', handedOverAt: entry.queuedAt + 30 })
      await store.outbox.settle([first])
      const recorded = await of(entry)
      assert.deepEqual(
        recorded.map(({ provider, outcome, next, isLate }) => ({ provider, outcome, next, isLate })),
        [
          { provider: 'p', outcome: 'unavailable', next: 'retry', isLate: false },
          { provider: 'q', outcome: 'accepted', next: 'done', isLate: false },
          { provider: 'p', outcome: 'unknown', next: 'done', isLate: true },
        ],
      )
      assert.deepEqual(recorded[1], {
        message: entry.message.id,
        nth: 2,
        channel: 'sms',
        provider: 'q',
        region: 'CN',
        outcome: 'accepted',
        providerCode: '',
        providerMessageId: 'id-1',
        queuedAt: entry.queuedAt,
        handedOverAt: entry.queuedAt + 20,
        answeredAt: entry.queuedAt + 21,
        segments: 2,
        price: { amount: '0.0075', currency: 'USD' },
        next: 'done',
        isLate: false,
        receipt: null,
      })
      assert.equal(recorded[0]?.answeredAt, entry.queuedAt + 10)
    })

    test('odd words of a carrier keep neither their dispatch nor its neighbours from being recorded', async () => {
      const [odd, other] = [await issued(), await issued()]
      const words = { providerCode: 'zero \0', providerMessageId: 'half \ud83d', receiptKey: `${unlike()}\0` }
      const price = { amount: '1', currency: 'C\0\udc00' }
      await store.outbox.settle([
        settlementOf(odd, { kind: 'done' }, 'accepted', { ...words, price }),
        settlementOf(other, { kind: 'done' }, 'accepted'),
      ])
      assert.equal((await of(odd)).length, 1)
      assert.equal((await of(other)).length, 1)
      const receipt = {
        provider: 'p',
        key: words.receiptKey,
        state: 'delivered',
        providerCode: '\0',
      } as const
      const [result] = await store.dispatches.receive([{ ...receipt, price }])
      assert.equal(result?.kind, 'recorded')
    })

    test('T-6: whatever the order, number and racing of receipts, a state never moves down', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.constantFrom(...states), { minLength: 1, maxLength: 12 }),
          async (told) => {
            const entry = await issued()
            const key = unlike()
            await settle(entry, { receiptKey: key })
            const receiptOf = (state: ReceiptState) => ({ provider: 'p', key, state, providerCode: state })
            let highest = -1
            // The model is the highest rank reported so far.
            for (const state of told.slice(0, 4)) {
              const [result] = await store.dispatches.receive([receiptOf(state)])
              assert.ok(result?.kind === 'recorded')
              assert.equal(result.isNews, states.indexOf(state) > highest)
              highest = Math.max(highest, states.indexOf(state))
              assert.equal((await of(entry))[0]?.receipt?.state, states[highest])
            }
            await Promise.all(
              told.slice(4).map((state, nth) => client(nth).dispatches.receive([receiptOf(state)])),
            )
            const [recorded] = await of(entry)
            highest = Math.max(...told.map((state) => states.indexOf(state)))
            assert.equal(recorded?.receipt?.state, states[highest])
            assert.equal(recorded?.receipt?.providerCode, states[highest])
            assert.equal(recorded?.outcome, 'accepted', 'a receipt never changes the answer of the provider')
          },
        ),
        { numRuns: 25 },
      )
    })

    test('T-6: of receipts that come at the same moment the highest stays', async () => {
      const entries = await Promise.all(times(25, () => issued()))
      const keyOf = (entry: OutboxEntry) => `raced-${entry.message.id}`
      await Promise.all(entries.map((entry) => settle(entry, { receiptKey: keyOf(entry) })))
      for (const entry of entries)
        await Promise.all(
          times(8, (nth) =>
            client(nth).dispatches.receive([
              // The highest first, so that a faulty engine overwrites it by a later one.
              { provider: 'p', key: keyOf(entry), state: states[3 - (nth % 4)]!, providerCode: '' },
            ]),
          ),
        )
      for (const entry of entries) assert.equal((await of(entry))[0]?.receipt?.state, 'delivered')
    })

    test('receipts told at once say together what each says', async () => {
      const entry = await issued()
      const key = unlike()
      await settle(entry, { outcome: 'accepted', receiptKey: key })
      const receipt = { provider: 'p', key, providerCode: '' }
      const price = { amount: '0.01', currency: 'EUR' }
      await store.dispatches.receive([
        { ...receipt, state: 'enroute', price, segments: 2 },
        { ...receipt, state: 'delivered' },
      ])
      const [recorded] = await of(entry)
      assert.deepEqual(
        { state: recorded?.receipt?.state, price: recorded?.price, segments: recorded?.segments },
        { state: 'delivered', price, segments: 2 },
      )
    })

    test('what a message cost is told once: by the receipt that is the first to know', async () => {
      const price = { amount: '0.0075', currency: 'USD' }
      for (const isKnown of [true, false]) {
        const key = unlike()
        await settle(await issued(), { outcome: 'accepted', receiptKey: key, ...(isKnown && { price }) })
        const told: unknown[] = []
        for (const state of ['enroute', 'enroute', 'delivered'] as const) {
          const receipt = { provider: 'p', key, state, providerCode: '', price }
          const [result] = await store.dispatches.receive([receipt])
          told.push(result!.kind === 'recorded' ? result!.price : result)
        }
        assert.deepEqual(told, [isKnown ? null : price, null, null])
      }
    })

    test('T-6: a receipt for nobody, or another provider’s, changes nothing and is told as unknown', async () => {
      const entry = await issued()
      const key = unlike()
      await settle(entry, { receiptKey: key })
      const results = await store.dispatches.receive([
        { provider: 'q', key, state: 'delivered', providerCode: '' },
        { provider: 'p', key: unlike(), state: 'delivered', providerCode: '' },
        { provider: 'p', key, state: 'enroute', providerCode: 'ENROUTE', segments: 3 },
      ])
      assert.deepEqual(
        results.map(({ kind }) => kind),
        ['unknown', 'unknown', 'recorded'],
      )
      const [recorded] = await of(entry)
      assert.equal(recorded?.receipt?.state, 'enroute')
      assert.equal(recorded?.segments, 3)
    })

    test('what awaits no receipt is found by none', async () => {
      const entry = await issued()
      await settle(entry, { providerMessageId: 'known' })
      const receipt = { provider: 'p', key: 'known', state: 'delivered', providerCode: '' } as const
      assert.deepEqual(await store.dispatches.receive([receipt]), [{ kind: 'unknown' }])
    })

    const second: Settlement['next'] = { kind: 'second', channel: 'voice', afterMs: 150 }

    test('an accepted message without a receipt is due again by its second channel, not counted as waiting', async () => {
      const before = (await store.outbox.depth()).queued
      const entry = await issued()
      await settle(entry, { receiptKey: unlike() }, second)
      assert.ok((await store.outbox.depth()).queued <= before)
      assert.equal(await claimed(store, entry.message.id), undefined, 'not before its time')
      await pause(200)
      const again = await claimed(store, entry.message.id)
      assert.equal(again?.message.channel, 'voice')
      assert.equal(again?.isSecond, true)
      assert.deepEqual(again?.tried, ['p'])
      assert.equal(again?.verification?.id, entry.verification?.id, 'the same code')
    })

    test('a delivered receipt ends the wait for a second channel, an undeliverable one ends it at once', async () => {
      const [good, bad] = [await issued(), await issued()]
      const long: Settlement['next'] = { ...second, afterMs: 30_000 }
      await settle(good, { receiptKey: `good-${good.message.id}` }, second)
      await settle(bad, { receiptKey: `bad-${bad.message.id}` }, long)
      await store.dispatches.receive([
        { provider: 'p', key: `good-${good.message.id}`, state: 'delivered', providerCode: '' },
        { provider: 'p', key: `bad-${bad.message.id}`, state: 'undeliverable', providerCode: '' },
      ])
      assert.equal((await claimed(store, bad.message.id))?.message.channel, 'voice')
      await pause(200)
      assert.equal(await claimed(store, good.message.id), undefined)
    })

    test('a use tells which dispatch brought the code, and whether it is the first', async () => {
      const entry = await issued()
      const id = entry.verification!.id
      await settle(entry, { provider: 'p' }, { kind: 'retry', afterMs: 0 })
      await settle({ ...entry, nth: 2 }, { provider: 'q', handedOverAt: entry.queuedAt + 5 })
      const looked = await store.verifications.use(useOf(id, { consumes: false }))
      assert.equal(looked?.isFirst, true)
      assert.equal(looked?.issuedAt, entry.queuedAt)
      assert.deepEqual(looked?.broughtBy, {
        provider: 'q',
        channel: 'sms',
        region: 'CN',
        acceptedAt: entry.queuedAt + 6,
      })
      const used = await store.verifications.use(useOf(id))
      assert.equal(used?.isFirst, false)
      assert.equal((await store.verifications.get(id))?.usedAt, looked?.usedAt)
    })

    test('tallies count each acceptance once, and a use for the last one before it', async () => {
      const since = (await store.now()) - 1
      const [provider, other] = [unlike(), unlike()]
      const lifetimeMs = 3_000
      const startedAt = Date.now()
      const entries = await Promise.all(times(5, () => issued({ lifetimeMs })))
      for (const entry of entries) await settle(entry, { provider }, { kind: 'retry', afterMs: 0 })
      await settle({ ...entries[0]!, nth: 2 }, { provider: other, handedOverAt: entries[0]!.queuedAt + 9 })
      await settle({ ...entries[1]!, nth: 2 }, { provider: other, outcome: 'refused' })
      await pause(30)
      for (const entry of entries.slice(0, 3)) await store.verifications.use(useOf(entry.verification!.id))
      const counted = { [provider]: { sent: 0, used: 0 }, [other]: { sent: 0, used: 0 } }
      const count = async (cursor: string | number) => {
        for (;;) {
          const page = await store.dispatches.tally(cursor, Date.now() + 60_000)
          for (const { provider, sent, used, region } of page.tallies)
            if (counted[provider]) {
              assert.equal(region, 'CN')
              counted[provider].sent += sent
              counted[provider].used += used
            }
          cursor = page.cursor
          if (!page.isMoreDue) return cursor
        }
      }
      // Codes that may still be used are not counted, because an unused one means nothing yet.
      await pause(Math.max(0, startedAt + lifetimeMs + 500 - Date.now()))
      const cursor = await count(since - 60_000)
      assert.deepEqual(counted, { [provider]: { sent: 5, used: 2 }, [other]: { sent: 1, used: 1 } })
      await count(cursor)
      assert.equal(counted[provider]!.sent, 5, 'the next page begins after them')
    })

    test('verifications are found by their address, newest first, and no other’s', async () => {
      const address = `tel:+${unlike()}`
      const entries = []
      for (let i = 0; i < 3; i++) {
        entries.push(await issued({ key: { ...newIssue().key, address } }))
        await pause(3)
      }
      await issued()
      const found: string[] = []
      let before: string | undefined
      do {
        const page = await store.verifications.find({
          address,
          sinceMs: Date.now() - 60_000,
          ...(before !== undefined && { before }),
        })
        found.push(...page.found.map((one) => one.id))
        before = page.next ?? undefined
      } while (before !== undefined)
      assert.deepEqual(found, entries.map((entry) => entry.verification!.id).reverse())
    })

    test('a notice is recorded, and swept with the time it was sent', async () => {
      const [entry] = await store.outbox.queue([newMessage({ template: 'contact-changed' })], lease)
      const key = unlike()
      await store.outbox.settle([settlementOf(entry!, { kind: 'done' }, 'accepted', { receiptKey: key })])
      const receipt = { provider: 'p', key, state: 'delivered', providerCode: '' } as const
      assert.equal((await store.dispatches.receive([receipt]))[0]?.kind, 'recorded')
    })
  })
}
