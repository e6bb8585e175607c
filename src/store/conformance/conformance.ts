/** What every engine must do: one body of tests over the contracts, which races each verb. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { Address } from '../../address/address.ts'
import { loginLimits, type Member, type Session, type Token } from '../../directory/directory.ts'
import { defaultAddressCap, defaultLimits, issueTakes, submissionTakes } from '../../throttle/policy.ts'
import type { ReservationResult } from '../../throttle/reservation.ts'
import type { Take } from '../../throttle/take.ts'
import type { VerificationKey } from '../../verification/verification.ts'
import type { Login } from '../directory.ts'
import type { OutboxEntry } from '../outbox.ts'
import type { Store } from '../store.ts'
import { contactConformance } from './contacts.ts'
import { dispatchConformance } from './dispatches.ts'
import {
  changeOf,
  claimed,
  lease,
  newIssue,
  newKey,
  newMember,
  newMessage,
  newPhone,
  pause,
  settlementOf,
  times,
  unlike,
  verifiedIn,
} from './fixtures.ts'
import { limitsConformance } from './limits.ts'

/** An engine under test: opened on empty data; `second` is another client of the same data, if the engine allows one. */
export type EngineUnderTest = AsyncDisposable & {
  readonly store: Store
  readonly second: Store | null
  /** A call may be refused for room that another has reserved on its way and will give back. Default false. */
  readonly reservesOnTheWay?: boolean
}

export function storeConformance(name: string, open: () => Promise<EngineUnderTest>): void {
  describe(`${name} keeps the store's contracts`, () => {
    let engine: EngineUnderTest
    let store: Store
    /** Callers by turns over both clients, so that races are between processes where the engine has them. */
    let clients: readonly Store[]
    const client = (nth: number) => clients[nth % clients.length]!
    before(async () => {
      engine = await open()
      store = engine.store
      clients = engine.second ? [store, engine.second] : [store]
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

    const { verifications, outbox, directory, ledgers, journal } = new Proxy({} as Store, {
      get: (_, room: keyof Store) =>
        new Proxy(
          {},
          {
            get:
              (_, verb) =>
              (...args: unknown[]) =>
                (store[room] as never as Record<string | symbol, (...args: unknown[]) => unknown>)[verb]!(
                  ...args,
                ),
          },
        ),
    })

    const submit = (
      on: Store,
      key: VerificationKey,
      change: { counted?: Take[]; wrong?: Take[]; repeat?: string; maxSubmissions?: number } = {},
    ) => on.verifications.takeSubmission({ key, counted: [], wrong: [], maxSubmissions: 1000, ...change })
    /** Whether the limit has room, asked as an issue asks it. */
    const hasRoom = async (take: Take) =>
      (await verifications.issue(newIssue({ takes: [take] }))).kind !== 'throttled'
    const useOf = (id: string, change = {}) => ({ id, wrong: [], consumes: true, ...change })

    describe('verifications', () => {
      test('an issue is found by a submission with the same five parts and by no other: N-7', async () => {
        const request = newIssue()
        assert.equal((await verifications.issue(request)).kind, 'issued')
        for (const part of ['tenant', 'app', 'member', 'address', 'purpose'] as const) {
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
        assert.equal(
          new Set(results.map((result) => result.kind !== 'throttled' && result.record.id)).size,
          1,
        )
        assert.equal(
          new Set(results.map((result) => result.kind !== 'throttled' && result.record.expiresAt)).size,
          1,
        )
      })

      test('a throttled issue leaves nothing behind', async () => {
        const take: Take = {
          scope: 'address',
          key: unlike(),
          form: 'events',
          rules: [{ kind: 'window', max: 1, perMs: 60_000 }],
        }
        const depth = async () => (await outbox.depth()).queued
        assert.equal((await verifications.issue(newIssue({ takes: [take] }))).kind, 'issued')
        const queued = await depth()
        const request = newIssue({ takes: [take] })
        const result = await verifications.issue(request)
        assert.ok(result.kind === 'throttled' && result.retryAfterMs > 0 && result.retryAfterMs <= 60_000)
        assert.equal(await verifications.get(request.id), undefined)
        assert.equal(await depth(), queued)
      })

      test('of many issues under one limit exactly as many pass as it allows', async () => {
        const subject = { tenant: 't', app: unlike(), member: unlike(), network: unlike(), isHolder: false }
        const issue = (nth: number) => {
          const address = `tel:${nth % 5}${subject.member}`
          const takes = issueTakes({ ...subject, limiterKey: address }, defaultLimits, defaultAddressCap)
          return client(nth).verifications.issue(newIssue({ key: newKey({ address }), takes }))
        }
        const results = await Promise.all(times(40, issue))
        let passed = results.filter((result) => result.kind === 'issued').length
        if (engine.reservesOnTheWay) {
          assert.ok(passed <= 5)
          // With nobody else on the way, just those that are left.
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
          member: request.key.member,
          limiterKey: request.key.address,
          network: undefined,
          isHolder: false,
        }
        const results = await Promise.all(
          times(200, (nth) => submit(client(nth), request.key, submissionTakes(subject, defaultLimits))),
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
        const spent: Take = {
          scope: 'address',
          key: unlike(),
          form: 'events',
          rules: [{ kind: 'window', max: 0, perMs: 60_000 }],
        }
        assert.equal((await submit(store, request.key, { counted: [spent] })).kind, 'throttled')
        const own = await submit(store, request.key)
        assert.ok(own.kind === 'taken' && own.record?.id === request.id)
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

      test('a right code gives its taking of the wrong ones back, and no other', async () => {
        const request = newIssue()
        await verifications.issue(request)
        const wrong: Take = {
          scope: 'member',
          key: unlike(),
          form: 'events',
          rules: [{ kind: 'window', max: 1, perMs: 60_000 }],
        }
        const taken = await submit(store, request.key, { wrong: [wrong] })
        assert.ok(taken.kind === 'taken')
        assert.equal(await hasRoom(wrong), false)
        assert.ok(await verifications.use(useOf(request.id, { wrong: taken.wrong })))
        assert.equal(await hasRoom(wrong), true)
      })

      test('right codes give all their takings back, also where many meet at one ledger', async () => {
        const network: Take = {
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
        const one: Take = { ...network, rules: [{ kind: 'window', max: 1, perMs: 60_000 }] }
        assert.equal((await ledgers.take([one])).kind, 'taken')
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
        const narrow: Take = {
          scope: 'member',
          key: unlike(),
          form: 'events',
          rules: [{ kind: 'window', max: 3, perMs: 60_000 }],
        }
        const wide: Take = {
          scope: 'network',
          key: unlike(),
          form: 'events',
          rules: [{ kind: 'window', max: 10, perMs: 60_000 }],
        }
        const results = await Promise.all(times(30, (nth) => client(nth).ledgers.take([wide, narrow])))
        assert.equal(results.filter((result) => result.kind === 'taken').length, 3)
        const rest = await Promise.all(times(30, (nth) => client(nth).ledgers.take([wide])))
        assert.equal(rest.filter((result) => result.kind === 'taken').length, 7)
      })
    })

    describe('reservations', () => {
      const take = (max: number): Take => ({
        scope: 'password',
        key: `${unlike()}:${unlike()}`,
        form: 'events',
        rules: [{ kind: 'window', max, perMs: 60_000 }],
      })
      const settle = (by: Store, result: ReservationResult, counts: boolean, emptied: string[] = []) => {
        assert.ok(result.kind === 'reserved', result.kind)
        return by.ledgers.settle({ reservation: result.reservation, counts, emptied })
      }

      test('reserving races for the room there is, and room that others hold is no lock', async () => {
        const [narrow, wide] = [take(3), take(10)]
        const results = await Promise.all(times(30, (nth) => client(nth).ledgers.reserve([wide, narrow])))
        const reserved = results.filter((result) => result.kind === 'reserved')
        assert.deepEqual(
          [reserved.length, results.filter((result) => result.kind === 'contended').length],
          [3, 27],
        )
        await Promise.all(reserved.map((result, nth) => settle(client(nth), result, nth !== 0)))
        const last = await ledgers.reserve([wide, narrow])
        await settle(store, last, true)
        const refused = await ledgers.reserve([wide, narrow])
        assert.ok(refused.kind === 'throttled')
        assert.deepEqual(refused.scopes, ['password'])
        const rest = await Promise.all(times(30, (nth) => client(nth).ledgers.reserve([wide])))
        assert.equal(rest.filter((result) => result.kind === 'reserved').length, 7)
      })

      test('what does not count leaves nothing, and empties what it is asked to', async () => {
        const [one, other] = [take(1), take(1)]
        assert.equal((await ledgers.take([other])).kind, 'taken')
        for (let nth = 0; nth < 3; nth++)
          await settle(client(nth), await client(nth).ledgers.reserve([one]), false, [
            other.key,
            'pw:unknown',
          ])
        for (const free of [one, other]) await settle(store, await ledgers.reserve([free]), true)
        for (const full of [one, other]) assert.equal((await ledgers.reserve([full])).kind, 'throttled')
      })

      test('a ledger is held until what was taken from it is forgotten', async () => {
        const [{ key }, { key: brief }] = [take(1), take(1)]
        const remember = (key: string, perMs: number) =>
          ledgers.take([
            { scope: 'password', key, form: 'tags', rules: [{ kind: 'distinct', max: 1, perMs }], tag: 0 },
          ])
        assert.equal(await ledgers.isHeld(key), false)
        assert.equal((await remember(key, 60_000)).kind, 'taken')
        assert.equal(await client(1).ledgers.isHeld(key), true)
        assert.equal((await remember(brief, 40)).kind, 'taken')
        await pause(60)
        assert.equal(await ledgers.isHeld(brief), false)
      })
    })

    describe('outbox', () => {
      test('a due message goes to one claimer, and to another once the lease has run out', async () => {
        const messages = times(40, () => newMessage())
        await outbox.queue(messages, { owner: 'dead', ms: 0 })
        const ids = new Set(messages.map((message) => message.id))
        const claims = await Promise.all(
          times(12, (nth) => client(nth).outbox.claim(10, { owner: `c${nth}`, ms: 300 })),
        )
        const mine = claims.flat().filter((entry) => ids.has(entry.message.id))
        assert.equal(mine.length, 40)
        assert.equal(new Set(mine.map((entry) => entry.message.id)).size, 40)
        assert.ok(
          mine.every(
            (entry) => entry.dispatches === 2 && entry.remainingMs > 50_000 && entry.remainingMs <= 60_000,
          ),
        )
        await pause(350)
        const again = (await outbox.claim(1000, lease)).filter((entry) => ids.has(entry.message.id))
        assert.equal(again.length, 40)
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
        assert.equal((await due())?.dispatches, 1)
      })

      test('that a message is being handed over is known to who claims it after a crash, until it is settled', async () => {
        const dying = { owner: 'dying', ms: 3_600_000 }
        const issued = async () => {
          const request = newIssue({ lease: dying })
          const result = await verifications.issue(request)
          assert.ok(result.kind === 'issued')
          const { record: verification, queuedAt } = result
          return { message: request.message!, verification, queuedAt, dispatches: 1 } as OutboxEntry
        }
        const [code, postponed, retried] = [await issued(), await issued(), await issued()]
        const [notice] = await outbox.queue([newMessage()], dying)
        const all = [code!, postponed!, retried!, notice!]
        const markOf = ({ message, queuedAt, verification, dispatches }: OutboxEntry) => ({
          messageId: message.id,
          queuedAt,
          verification: verification?.id ?? '',
          dispatches,
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
        // The claim of the dead is over: what it still says is not heard.
        assert.deepEqual(await outbox.begin([markOf(code!), markOf(notice!)]), [false, false])
        const gone = { ...markOf(code!), queuedAt: code!.queuedAt - 1 }
        assert.deepEqual(await outbox.begin([gone]), [false])
      })

      test('a retry knows which providers were tried', async () => {
        const [entry] = await outbox.queue([newMessage()], lease)
        await outbox.settle([settlementOf(entry!, { kind: 'retry', afterMs: 0 }, 'unavailable')])
        const [again] = (await outbox.claim(1000, lease)).filter(
          (one) => one.message.id === entry!.message.id,
        )
        assert.deepEqual(again?.tried, ['p'])
        await outbox.settle([
          settlementOf(again!, { kind: 'retry', afterMs: 0 }, 'unknown', { provider: 'q' }),
        ])
        const [last] = (await outbox.claim(1000, lease)).filter((one) => one.message.id === entry!.message.id)
        assert.deepEqual([last?.tried, last?.unknowns], [['p', 'q'], 1])
      })
    })

    limitsConformance(() => ({ store, client }))
    dispatchConformance(() => ({ store, client }))
    contactConformance(() => ({ store, client }))

    describe('directory', () => {
      let lastLogin = 0
      const loginOf = (member: Member, clientType = 72, lifeMs = 60_000, login: string = unlike()) => {
        const createdAt = Date.now() + lastLogin++
        const token = (kind: Token['kind']): Token => ({
          hash: unlike(),
          kind,
          login,
          tenant: 't',
          app: 'a',
          member: member.id,
          clientType,
          createdAt,
          expiresAt: Date.now() + lifeMs,
        })
        return { access: token('access'), refresh: token('refresh'), limits: loginLimits(clientType) }
      }
      const sessionOf = (hash: string): Promise<Session | undefined> => directory.session(hash, ['access'])
      /** Another pair of the same login. */
      const again = ({ access }: Login): Login =>
        loginOf({ id: access.member } as Member, access.clientType, 60_000, access.login)
      const added = async (change: Partial<Member> = {}) => {
        const member = newMember(change)
        assert.deepEqual(await directory.putMembers([member]), [{ kind: 'added' }])
        return member
      }

      test('members are added, updated, left alone or refused, each on its own merits', async () => {
        const phone = newPhone()
        const first = newMember({ phone })
        const outcomes = await directory.putMembers([
          first,
          first,
          { ...first, deptCode: '2' },
          newMember({ phone }),
          newMember({ account: first.account }),
          newMember(),
        ])
        assert.deepEqual(outcomes, [
          { kind: 'added' },
          { kind: 'unchanged' },
          { kind: 'updated' },
          { kind: 'refused', reason: 'phone-bound' },
          { kind: 'refused', reason: 'account-taken' },
          { kind: 'added' },
        ])
        assert.deepEqual(await directory.memberByAccount('t', first.account), { ...first, deptCode: '2' })
      })

      test('texts that not every engine can keep are stored as near as can be, and refuse nobody else', async () => {
        const [odd, other] = [newMember({ account: `odd\0${unlike()}` }), newMember()]
        const profile = { ...odd.profile, name: 'half \ud83d', signature: 'a zero \0 byte', title: 'whole' }
        const outcomes = await directory.putMembers([{ ...odd, profile }, other])
        assert.deepEqual(outcomes, [{ kind: 'added' }, { kind: 'added' }])
        assert.equal((await directory.memberByAccount('t', odd.account))?.profile.title, 'whole')
        assert.equal(await directory.updateProfile(other.id, profile), true)
        assert.equal((await directory.member(other.id))?.profile.title, 'whole')
        assert.equal(await directory.memberByLogin('nobody\0'), undefined)
      })

      test('a password login is one person over all tenants', async () => {
        await directory.addTenant({ id: 't2', name: 'T2', accountApp: 'a' })
        const one = await added({ passwordHash: 'h' })
        const [same] = await directory.putMembers([
          newMember({ tenant: 't2', account: one.account, passwordHash: 'h' }),
        ])
        assert.deepEqual(same, { kind: 'refused', reason: 'account-taken' })
        assert.equal((await directory.memberByLogin(one.account))?.id, one.id)
        assert.equal(await directory.memberByLogin((await added()).account), undefined)
      })

      test('a token is its session until it expires or is logged out with its pair', async () => {
        const member = await added()
        const [login, brief] = [loginOf(member), loginOf(member, 72, 50)]
        await directory.logIn(login)
        await directory.logIn(brief)
        assert.deepEqual((await sessionOf(login.access.hash))?.token, login.access)
        assert.equal((await sessionOf(login.access.hash))?.member.id, member.id)
        assert.equal(await sessionOf(login.refresh.hash), undefined, 'a refresh token is no access token')
        assert.equal(await directory.logOut(login.access.hash), true)
        assert.equal(await directory.logOut(login.access.hash), false)
        assert.equal(await directory.session(login.refresh.hash, ['refresh']), undefined)
        await pause(60)
        assert.equal(await sessionOf(brief.access.hash), undefined)
      })

      test('the oldest login gives way, also when many log in at once', async () => {
        const member = await added()
        const first = loginOf(member)
        await directory.logIn(first)
        const others = times(64, () => loginOf(member))
        await Promise.all(others.map((login, nth) => client(nth).directory.logIn(login)))
        assert.equal(await sessionOf(first.access.hash), undefined)
        for (const { access } of others) assert.ok(await sessionOf(access.hash))
        const web = times(10, () => loginOf(member, 0))
        await Promise.all(web.map((login, nth) => client(nth).directory.logIn(login)))
        const live = await Promise.all(web.map(({ access }) => sessionOf(access.hash)))
        assert.equal(live.filter(Boolean).length, 1)
      })

      test('of many refreshes of one login exactly one wins', async () => {
        const member = await added()
        const login = loginOf(member)
        await directory.logIn(login)
        const wins = await Promise.all(
          times(20, (nth) => client(nth).directory.refresh(login.refresh.hash, again(login))),
        )
        assert.deepEqual(wins.map(({ kind }) => kind).toSorted(), [
          ...times(18, () => 'gone'),
          'refreshed',
          'reused',
        ])
        assert.equal(await sessionOf(login.access.hash), undefined)
      })

      test('a refreshed login keeps the access token it had, and a logout ends all it was refreshed to', async () => {
        const member = await added()
        const first = loginOf(member, 0)
        await directory.logIn(first)
        const [second, third] = [again(first), again(first)]
        assert.equal((await directory.refresh(first.refresh.hash, second)).kind, 'refreshed')
        assert.equal(
          (await directory.refresh(first.access.hash, third)).kind,
          'refreshed',
          'by an access token',
        )
        for (const { access } of [first, second, third]) assert.ok(await sessionOf(access.hash))
        assert.equal(await directory.session(first.refresh.hash, ['refresh', 'access']), undefined)
        assert.equal((await directory.session(first.refresh.hash, ['spent']))?.token.kind, 'spent')
        assert.equal(await directory.logOut(second.access.hash), true)
        for (const { access } of [first, second, third]) assert.equal(await sessionOf(access.hash), undefined)
        assert.equal((await directory.refresh(third.refresh.hash, again(first))).kind, 'gone')
      })

      test('A-14: a refresh token that comes twice ends its login and no other', async () => {
        const member = await added()
        const [stolen, other] = [loginOf(member), loginOf(member)]
        await directory.logIn(stolen)
        await directory.logIn(other)
        const second = again(stolen)
        assert.equal((await directory.refresh(stolen.refresh.hash, second)).kind, 'refreshed')
        assert.equal((await directory.refresh(second.refresh.hash, again(stolen))).kind, 'refreshed')
        assert.equal((await directory.refresh(stolen.refresh.hash, again(stolen))).kind, 'reused')
        for (const { access } of [stolen, second]) assert.equal(await sessionOf(access.hash), undefined)
        assert.ok(await sessionOf(other.access.hash))
      })

      test('who refreshes often keeps the newest tokens and pushes out no other login', async () => {
        const member = await added()
        const [quiet, busy] = [loginOf(member), loginOf(member)]
        await directory.logIn(quiet)
        await directory.logIn(busy)
        const pairs = times(70, () => again(busy))
        for (const [nth, pair] of pairs.entries())
          assert.equal(
            (await directory.refresh(pairs[nth - 1]?.access.hash ?? busy.access.hash, pair)).kind,
            'refreshed',
          )
        assert.ok(await sessionOf(quiet.access.hash))
        const live = await Promise.all(pairs.map(({ access }) => sessionOf(access.hash)))
        // 64 in all, and one of them is the quiet one's.
        assert.deepEqual(
          live.map(Boolean),
          times(70, (nth) => nth >= 7),
        )
        assert.equal(await sessionOf(busy.access.hash), undefined)
        const refreshing = await Promise.all(
          pairs.map(({ refresh }) => directory.session(refresh.hash, ['refresh'])),
        )
        assert.equal(refreshing.filter(Boolean).length, 64)
        // All with one token each: the oldest login gives way, whole.
        for (const login of times(63, () => loginOf(member))) await directory.logIn(login)
        assert.equal(await sessionOf(quiet.access.hash), undefined)
        assert.equal(await directory.session(quiet.refresh.hash, ['refresh']), undefined)
        assert.ok(await sessionOf(pairs[69]!.access.hash))
        assert.equal(await sessionOf(pairs[68]!.access.hash), undefined)
      })

      test('a login that has spent all the refresh tokens it may is refreshed no more, and lives on', async () => {
        const login = loginOf(await added())
        await directory.logIn(login)
        const pairs = times(3, () => ({ ...again(login), limits: { ...login.limits, spent: 2 } }))
        const kinds: string[] = []
        for (const [nth, pair] of pairs.entries())
          kinds.push((await directory.refresh((pairs[nth - 1] ?? login).refresh.hash, pair)).kind)
        assert.deepEqual(kinds, ['refreshed', 'refreshed', 'gone'])
        assert.ok(await sessionOf(pairs[1]!.access.hash))
      })

      test('while a member is disabled its calls are told so, and once allowed again it logs in anew', async () => {
        const byImport = async (member: Member, isDisabled: boolean) => {
          await directory.putMembers([{ ...member, isDisabled }])
        }
        const byCommand = async (member: Member, isDisabled: boolean) => {
          assert.equal(await directory.disableMember(member.id, isDisabled), true)
        }
        for (const set of [byImport, byCommand]) {
          const member = await added()
          const login = loginOf(member)
          await directory.logIn(login)
          await set(member, true)
          assert.equal((await sessionOf(login.access.hash))?.member.isDisabled, true)
          await set(member, false)
          assert.equal(await sessionOf(login.access.hash), undefined)
          assert.equal(await directory.session(login.refresh.hash, ['refresh']), undefined)
          const anew = loginOf(member)
          await directory.logIn(anew)
          await set(member, false)
          assert.ok(await sessionOf(anew.access.hash), 'allowed before, it was not allowed again')
        }
      })

      test('the logins of an app end, those of another do not', async () => {
        const member = await added()
        const ended = unlike()
        const app = { id: ended, tenant: 't', name: 'n', sealedKey: 's', isServiceProvider: false }
        await directory.addApp({ ...app, isDisabled: false, policy: {}, createdAt: 1 })
        const ofApp = (login: Login): Login => ({
          ...login,
          access: { ...login.access, app: ended },
          refresh: { ...login.refresh, app: ended },
        })
        const [kept, gone] = [loginOf(member), ofApp(loginOf(member))]
        await directory.logIn(kept)
        await directory.logIn(gone)
        assert.equal(await directory.endLoginsOf(ended), 2)
        assert.equal(await directory.endLoginsOf(ended), 0)
        assert.equal(await sessionOf(gone.access.hash), undefined)
        assert.ok(await sessionOf(kept.access.hash))
      })

      const verified = (member: Member, address: Address, app = 'a') =>
        verifiedIn(store, member, address, app)

      test('a contact changes once with its verification, and the notices are queued with it', async () => {
        const member = await added()
        const phone = newPhone()
        const [own, other] = [await verified(member, phone), await verified(member, newPhone())]
        const notice = newMessage({ template: 'contact-changed' })
        const changes = await Promise.all(
          times(20, (nth) =>
            client(nth).directory.changeContact(changeOf(member, phone, own, { notices: [notice] })),
          ),
        )
        const won = changes.filter((result) => result.kind === 'changed')
        assert.equal(won.length, 1)
        assert.ok(won[0]?.kind === 'changed' && won[0].entries[0]?.message.id === notice.id)
        assert.deepEqual((await directory.member(member.id))?.phone, phone)
        assert.equal(
          await verifications.use(useOf(other)),
          undefined,
          'the member’s other verifications ended',
        )
      })

      test('two members race for one number: one gets it, the other keeps what it had', async () => {
        const phone = newPhone()
        const members = [await added(), await added()]
        const ids = await Promise.all(members.map((member) => verified(member, phone)))
        const results = await Promise.all(
          members.map((member, nth) =>
            client(nth).directory.changeContact(changeOf(member, phone, ids[nth]!)),
          ),
        )
        assert.deepEqual(results.map((result) => result.kind).toSorted(), ['bound', 'changed'])
        const holders = await Promise.all(members.map((member) => directory.member(member.id)))
        assert.equal(holders.filter((holder) => holder?.phone).length, 1)
      })

      const prove = async (member: Member, login: string, lastsMs = 60_000) => {
        const proof = newIssue({ key: newKey({ member: member.id, purpose: 'own-contact' }) })
        await verifications.issue(proof)
        assert.ok(await verifications.use(useOf(proof.id, { proof: { login, lastsMs } })))
      }
      /** A change of phone to a new number, with a right code for it. */
      const changed = async (member: Member, provedBy: string | null) => {
        const phone = newPhone()
        const id = await verified(member, phone)
        const { kind } = await directory.changeContact(changeOf(member, phone, id, { provedBy }))
        return { kind, member: kind === 'changed' ? { ...member, phone } : member }
      }

      test('A-5: where a proof is needed it is needed, and one serves one change', async () => {
        const member = await added({ phone: newPhone() })
        const login = unlike()
        assert.equal((await changed(member, login)).kind, 'unproven')
        assert.deepEqual((await directory.member(member.id))?.phone, member.phone)
        await prove(member, login)
        const first = await changed(member, login)
        assert.equal(first.kind, 'changed')
        assert.equal((await changed(first.member, login)).kind, 'unproven')
      })

      test('A-14: a proof serves the login that made it, and another login’s try leaves it', async () => {
        const member = await added({ phone: newPhone() })
        const [login, stolen] = [unlike(), unlike()]
        await prove(member, login)
        assert.equal((await changed(member, stolen)).kind, 'unproven')
        assert.equal((await changed(member, login)).kind, 'changed')
      })

      test('A-14: a change uses up what all logins of the member had proved, also one that needs no proof', async () => {
        const member = await added({ phone: newPhone() })
        const [one, two] = [unlike(), unlike()]
        await prove(member, one)
        await prove(member, two)
        const first = await changed(member, one)
        assert.equal(first.kind, 'changed')
        assert.equal((await changed(first.member, two)).kind, 'unproven')
        await prove(member, two)
        const second = await changed(first.member, null)
        assert.equal(second.kind, 'changed')
        assert.equal((await changed(second.member, two)).kind, 'unproven')
      })

      test('a proof ends, and serves the member it was given to', async () => {
        const member = await added({ phone: newPhone() })
        const login = unlike()
        await prove(await added(), login)
        await prove(member, login, 30)
        await pause(60)
        assert.equal((await changed(member, login)).kind, 'unproven')
      })

      test('a change decided on contacts that are no longer so is stale', async () => {
        const member = await added({ phone: newPhone() })
        const next = newPhone()
        const seen = { phone: newPhone(), email: null }
        const id = await verified(member, next)
        assert.equal((await directory.changeContact(changeOf(member, next, id, { seen }))).kind, 'stale')
        assert.equal((await directory.changeContact(changeOf(member, next, id))).kind, 'changed')
      })
    })

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

    test('sweeping drops what is over and keeps what is not', async () => {
      const { message: _none, ...brief } = newIssue({ lifetimeMs: 20 })
      const live = newIssue()
      await verifications.issue(live)
      await verifications.issue(brief)
      const forgotten: Take = {
        scope: 'member',
        key: unlike(),
        form: 'events',
        rules: [{ kind: 'window', max: 1, perMs: 20 }],
      }
      const kept: Take = { ...forgotten, key: unlike(), rules: [{ kind: 'window', max: 1, perMs: 60_000 }] }
      await ledgers.take([forgotten, kept])
      await pause(60)
      await store.sweep(3_600_000)
      assert.equal((await ledgers.take([kept])).kind, 'throttled')
      assert.equal((await ledgers.take([forgotten])).kind, 'taken')
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
      assert.equal((await outbox.depth()).queued, before.queued)
    })

    test('engine time goes on', async () => {
      const start = await store.now()
      await pause(20)
      assert.ok((await store.now()) > start)
    })
  })
}
