/** Every engine's duties with limiters that several apps and members share. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { DispatchOutcome } from '../../message/dispatch.ts'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import type { Limit } from '../../throttle/acquire.ts'
import { leftOf } from '../../throttle/limiter-state.ts'
import {
  defaultAddressCap,
  defaultLimits,
  issueLimits,
  limitsOfApp,
  limitsOfSubject,
  submissionLimits,
  timesOf,
} from '../../throttle/policy.ts'
import type { ReservationResult } from '../../throttle/reservation.ts'
import type { VerificationKey } from '../../verification/verification.ts'
import type { Settlement } from '../outbox.ts'
import type { Store } from '../store.ts'
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
} from './fixtures.ts'

/** A limit of one address, so that an engine with shards keeps it on the shard of the record. */
const addressLimit = (address: string, max: number): Limit => {
  const subject = {
    tenant: 't',
    app: 'a',
    subject: 'm',
    limiterKey: address,
    network: undefined,
    isHolder: false,
  }
  const limits = issueLimits(subject, defaultLimits, defaultAddressCap)
  const limit = limits.find(({ scope, looksOnly }) => scope === 'address' && !looksOnly)!
  return { ...limit, rules: [{ kind: 'window', max, perMs: 60_000 }] }
}

const daily = { perSecond: 0.5, burst: 50, perDay: 100 }

const withoutGap = (limit: Limit): Limit => ({
  ...limit,
  rules: limit.rules.filter(({ kind }) => kind !== 'gaps'),
})

export function limitsConformance({ store, client }: Clients): void {
  const { limiters } = store
  const submit = (
    key: VerificationKey,
    limits: { counted?: readonly Limit[]; wrong?: readonly Limit[] },
    nth = 0,
  ) => client(nth).verifications.takeSubmission({ key, counted: [], wrong: [], maxSubmissions: 5, ...limits })
  /** Makes a hit by an issue, if the limit allows it. */
  const acquire = async (one: Limit, nth = 0) =>
    (await client(nth).verifications.issue(newIssue({ limits: [one] }))).kind !== 'throttled'

  test('limiters are seen as they are, wherever they lie, and seeing counts nothing', async () => {
    const [app, subject] = [unlike(), unlike()]
    const ofApp = limitsOfApp(app, { ...defaultLimits, issues: { ...defaultLimits.issues, app: daily } })
    const { issues, addresses, wrong } = limitsOfSubject({ tenant: 't', app, subject }, defaultLimits)
    const all = [...ofApp, issues, addresses, wrong]
    const left = async (nth: number) => {
      const { now, states } = await client(nth).verifications.look(all.map(({ key }) => key))
      return all.map(({ rules }, i) => leftOf(states[i]!, rules[0]!, now))
    }
    const full = await left(0)
    assert.deepEqual(full, [50, 100, 10, 5, 20])
    for (const nth of [0, 1]) {
      const limits = [...ofApp, issues, { ...addresses, tag: nth }]
      assert.equal((await store.verifications.issue(newIssue({ limits }))).kind, 'issued')
    }
    for (const nth of [0, 1]) {
      const [bucket, ...others] = await left(nth)
      // The bucket fills again meanwhile.
      assert.ok(bucket === 48 || bucket === 49, String(bucket))
      assert.deepEqual(others, [98, 8, 3, 20])
    }
  })

  test('an issue of several messages makes a hit for each, in limiters wherever they lie, or none', async () => {
    const { address, app } = { address: defaultLimits.issues, app: unlike() }
    const subject = { tenant: 't', app, subject: unlike(), limiterKey: unlike(), network: unlike() }
    const limits = issueLimits(
      { ...subject, isHolder: false },
      { ...defaultLimits, issues: { ...address, app: daily } },
      {
        max: 100,
        perMs: 60_000,
      },
    )
    const issue = async (messages: number, nth: number) =>
      (await client(nth).verifications.issue(newIssue({ limits: timesOf(limits.map(withoutGap), messages) })))
        .kind
    const left = async () => {
      const { now, states } = await store.verifications.look(limits.map(({ key }) => key))
      return Object.fromEntries(
        limits.flatMap(({ scope, looksOnly, rules }, i) =>
          looksOnly || scope === 'app' || scope === 'member-address'
            ? []
            : [[scope, leftOf(states[i]!, rules[0]!, now)]],
        ),
      )
    }
    const after = {
      'address-total': 46,
      member: 6,
      'member-addresses': 4,
      'app-day': 96,
      address: 1,
      network: 116,
    }
    assert.equal(await issue(4, 0), 'issued')
    assert.deepEqual(await left(), after)
    assert.equal(await issue(2, 1), 'throttled')
    assert.deepEqual(await left(), after)
    assert.equal(await issue(1, 1), 'issued')
    assert.equal(await issue(1, 0), 'throttled')
  })

  describe('reservations', () => {
    const limit = (max: number): Limit => ({
      scope: 'password',
      key: `${unlike()}:${unlike()}`,
      form: 'events',
      rules: [{ kind: 'window', max, perMs: 60_000 }],
    })
    const settle = (by: Store, result: ReservationResult, counts: boolean, emptied: string[] = []) => {
      assert.ok(result.kind === 'reserved', result.kind)
      return by.limiters.settle({ reservation: result.reservation, counts, emptied })
    }

    test('reserving races for the capacity there is, and capacity that others hold is no lock', async () => {
      const [narrow, wide] = [limit(3), limit(10)]
      const results = await Promise.all(times(30, (nth) => client(nth).limiters.reserve([wide, narrow])))
      const reserved = results.filter((result) => result.kind === 'reserved')
      assert.deepEqual(
        [reserved.length, results.filter((result) => result.kind === 'contended').length],
        [3, 27],
      )
      await Promise.all(reserved.map((result, nth) => settle(client(nth), result, nth !== 0)))
      const last = await limiters.reserve([wide, narrow])
      await settle(store, last, true)
      const refused = await limiters.reserve([wide, narrow])
      assert.ok(refused.kind === 'throttled')
      assert.deepEqual(refused.scopes, ['password'])
      const rest = await Promise.all(times(30, (nth) => client(nth).limiters.reserve([wide])))
      assert.equal(rest.filter((result) => result.kind === 'reserved').length, 7)
    })

    test('what does not count leaves nothing, and empties what it is asked to', async () => {
      const [one, other] = [limit(1), limit(1)]
      assert.equal((await limiters.acquire([other])).kind, 'acquired')
      for (let nth = 0; nth < 3; nth++)
        await settle(client(nth), await client(nth).limiters.reserve([one]), false, [other.key, 'pw:unknown'])
      for (const free of [one, other]) await settle(store, await limiters.reserve([free]), true)
      for (const full of [one, other]) assert.equal((await limiters.reserve([full])).kind, 'throttled')
    })

    test('a limiter is held until what was taken from it is forgotten', async () => {
      const [{ key }, { key: brief }] = [limit(1), limit(1)]
      const remember = (key: string, perMs: number) =>
        limiters.acquire([
          { scope: 'password', key, form: 'tags', rules: [{ kind: 'distinct', max: 1, perMs }], tag: 0 },
        ])
      assert.equal(await limiters.isHeld(key), false)
      assert.equal((await remember(key, 60_000)).kind, 'acquired')
      assert.equal(await client(1).limiters.isHeld(key), true)
      assert.equal((await remember(brief, 40)).kind, 'acquired')
      await pause(60)
      assert.equal(await limiters.isHeld(brief), false)
    })
  })

  describe('shared limits', () => {
    test('A-13: an app with short limits forgets nothing that another counts', async () => {
      const key = unlike()
      for (const form of ['events', 'tags'] as const) {
        const kind = form === 'tags' ? 'distinct' : 'window'
        const of = (max: number, perMs: number): Limit => ({
          scope: 'member',
          key: `${key}:${form}`,
          form,
          rules: [{ kind, max, perMs }],
          tag: Number.parseInt(unlike().slice(0, 10), 16),
        })
        const [strict, loose] = [() => of(5, 60_000), () => of(100, 20)]
        for (let nth = 0; nth < 3; nth++) assert.ok(await acquire(strict(), nth))
        for (let nth = 0; nth < 2; nth++) {
          await pause(30)
          assert.ok(await acquire(loose(), nth))
        }
        await pause(30)
        assert.equal(await acquire(strict()), false, form)
        assert.ok(await acquire(loose()))
        assert.equal(await acquire(strict(), 1), false, form)
      }
    })

    test('A-13: what is taken under no limit at all is kept as long as it was asked to be', async () => {
      const one: Limit = { scope: 'member', key: unlike(), form: 'events', rules: [], keepMs: 60_000 }
      for (let nth = 0; nth < 4; nth++) assert.ok(await acquire(one, nth))
      assert.equal(await acquire({ ...one, rules: [{ kind: 'window', max: 4, perMs: 60_000 }] }), false)
    })

    test('a limit that is only looked at refuses, and is not used up by that', async () => {
      const window: Limit = {
        scope: 'network',
        key: unlike(),
        form: 'events',
        rules: [{ kind: 'window', max: 2, perMs: 60_000 }],
      }
      assert.ok(await acquire(window))
      for (let nth = 0; nth < 5; nth++) assert.ok(await acquire({ ...window, looksOnly: true }, nth))
      assert.ok(await acquire(window))
      assert.equal(await acquire({ ...window, looksOnly: true }), false)
    })

    test('A-9: guesses of who has no live code count at no address, and refuse nobody else’s right code', async () => {
      const key = newKey({ address: `tel:${unlike()}` })
      const subjectOf = (subject: string) => ({
        tenant: 't',
        app: 'a',
        subject,
        limiterKey: key.address,
        network: unlike(),
        isHolder: false,
      })
      const limitsOf = (subject: string) => submissionLimits(subjectOf(subject), defaultLimits)
      assert.equal((await store.verifications.issue(newIssue({ key }))).kind, 'issued')
      const strangers = times(8, () => newKey({ address: key.address }))
      const results = await Promise.all(
        times(40, (nth) => submit(strangers[nth % 8]!, limitsOf(strangers[nth % 8]!.subject), nth)),
      )
      for (const result of results) assert.ok(result.kind === 'taken' && result.record === undefined)
      const asker = issueLimits(subjectOf(unlike()), defaultLimits, defaultAddressCap)
      const address = asker.find(({ scope, looksOnly }) => scope === 'address' && looksOnly)!
      assert.ok(await acquire({ ...address, rules: [{ kind: 'window', max: 1, perMs: 60_000 }] }))
      const own = await submit(key, limitsOf(key.subject))
      assert.ok(own.kind === 'taken' && own.record !== undefined)
      const hasCapacity = () => acquire({ ...address, rules: [{ kind: 'window', max: 1, perMs: 60_000 }] })
      assert.equal(await hasCapacity(), false, 'a guess with a live code does count')
      const use = { id: own.record.id, wrong: own.wrong, consumes: true }
      assert.ok(await store.verifications.use(use))
      assert.ok(await hasCapacity(), 'until it is right')
    })

    const issued = async (limit: Limit, address: string, lifetimeMs = 60_000): Promise<OutboxEntry> => {
      const message = newMessage({ cooldown: [limit.key] })
      const request = newIssue({ key: newKey({ address }), limits: [limit], message, lifetimeMs })
      const result = await store.verifications.issue(request)
      assert.ok(result.kind === 'issued')
      return result.entry!
    }
    const settle = (
      entry: OutboxEntry,
      outcome: DispatchOutcome,
      next: Settlement['next'] = { kind: 'failed' },
    ) => store.outbox.settle([settlementOf(entry, next, outcome)])
    /** As an issue would find it, and takes it. */
    const capacity = async (one: Limit) => {
      let count = 0
      while (await acquire(one)) count++
      return count
    }

    test('a message that nobody took gives its issue’s hits back, one that may have been taken does not', async () => {
      for (const [outcome, isFreed] of [
        ['refused', true],
        ['expired', true],
        ['exhausted', true],
        ['unavailable', true],
        ['throttled', true],
        ['unknown', false],
      ] as const) {
        const address = `tel:${unlike()}`
        const one = addressLimit(address, 1)
        await settle(await issued(one, address), outcome)
        assert.equal(await capacity(one), isFreed ? 1 : 0, outcome)
      }
    })

    test('what was tried before counts too: lost answers, accepted messages, claims that nobody settled', async () => {
      for (const [before, isFreed] of [
        ['unavailable', true],
        ['unknown', false],
        ['second', false],
        ['lost', false],
        ['postponed', true],
      ] as const) {
        const address = `tel:${unlike()}`
        const one = addressLimit(address, 1)
        const entry = await issued(one, address)
        const { message, queuedAt, verification } = entry
        if (before === 'second')
          await settle(entry, 'accepted', { kind: 'second', channel: 'voice', afterMs: 0 })
        else if (before === 'postponed')
          await store.outbox.postpone(
            [{ messageId: message.id, queuedAt, verification: verification!.id }],
            0,
          )
        else if (before === 'lost') await store.outbox.release(lease.owner)
        else await settle(entry, before, { kind: 'retry', afterMs: 0 })
        const again = await claimed(store, message.id)
        assert.ok(again)
        await settle(again, 'exhausted')
        assert.equal(await capacity(one), isFreed ? 1 : 0, before)
      }
    })

    test('it gives back once, and is given up once, however often and by whomever its end is told', async () => {
      const address = `tel:${unlike()}`
      const one = addressLimit(address, 3)
      const entries = await Promise.all(times(3, () => issued(one, address)))
      assert.equal(await capacity(one), 0)
      const ends = settlementOf(entries[0]!, { kind: 'failed' }, 'unavailable')
      const told = await Promise.all(times(6, (nth) => client(nth).outbox.settle([ends, ends])))
      assert.equal(await capacity(one), 1)
      assert.equal(told.flat().filter(Boolean).length, 1)
      assert.equal(told.flat().length, 12)
      assert.deepEqual(await settle(entries[1]!, 'unavailable', { kind: 'retry', afterMs: 60_000 }), [false])
      assert.deepEqual(await settle(entries[2]!, 'accepted', { kind: 'done' }), [false])
    })

    test('who failed late leaves the message, and its hits, to who has claimed it since', async () => {
      for (const isTaken of [true, false]) {
        const address = `tel:${unlike()}`
        const one = addressLimit(address, 1)
        const entry = await issued(one, address)
        await settle(entry, 'unavailable', { kind: 'retry', afterMs: 0 })
        const late = await claimed(store, entry.message.id)
        assert.ok(late)
        await store.outbox.release(lease.owner)
        const last = await claimed(store, entry.message.id)
        assert.ok(last)
        await settle(late, 'unavailable')
        assert.equal(await acquire({ ...one, looksOnly: true }), false)
        await settle(last, isTaken ? 'accepted' : 'unavailable', isTaken ? { kind: 'done' } : undefined)
        // The late owner may have sent it before it settled it as not sent, which was not known at the next claim.
        assert.equal(await acquire({ ...one, looksOnly: true }), false)
        const recorded = await store.dispatches.of(entry.verification!.id)
        assert.deepEqual(
          recorded.map(({ isLate }) => isLate),
          [false, true, false],
        )
      }
    })
  })
}
