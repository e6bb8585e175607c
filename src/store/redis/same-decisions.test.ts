/** The functions in Redis decide as the verbs of the other engines do: random histories, one against the other. */

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import fc from 'fast-check'
import { Redis as Client } from 'ioredis'
import { requirePeer } from '../../../test/peers.ts'
import { type Redis, redisPath, startRedis } from '../../../test/redis.ts'
import type { OutboxEntry } from '../../message/outbox-entry.ts'
import type { Hit, Limit } from '../../throttle/acquire.ts'
import type { Rule } from '../../throttle/limiter-state.ts'
import { verificationFacts } from '../../verification/facts.ts'
import { newVerificationId } from '../../verification/verification.ts'
import { newKey, newMessage, settlementOf, unlike } from '../conformance/fixtures.ts'
import { unitInMemory } from '../conformance/unit-in-memory.ts'
import type { AppEvent } from '../events.ts'
import type { Settlement } from '../outbox.ts'
import { begin } from '../verbs/begin.ts'
import { cancel } from '../verbs/cancel.ts'
import { issue as decideIssue } from '../verbs/issue.ts'
import { postpone } from '../verbs/postpone.ts'
import { resend } from '../verbs/resend.ts'
import { settle } from '../verbs/settle.ts'
import { solve } from '../verbs/solve.ts'
import { takeSubmission as decideSubmission } from '../verbs/take-submission.ts'
import { use } from '../verbs/use.ts'
import type { IssueRequest, SubmissionRequest, UseRequest } from '../verifications.ts'
import { actsById } from './acts-by-id.ts'
import { createCalls } from './calls.ts'
import { claimDue } from './claim-due.ts'
import { redisClaims } from './claims.ts'
import { issue } from './issue.ts'
import { createLayout } from './layout.ts'
import { readLibrary } from './library.ts'
import { redisOutbox } from './outbox.ts'
import { parseRecord, verificationOf } from './records.ts'
import { takeSubmission } from './take-submission.ts'
import { eventsIn } from './told-events.ts'
import { redisUses } from './use.ts'
import { redisVerifications } from './verifications.ts'

const peer = requirePeer('Redis (apt-get install redis-server)', redisPath)
const start = 1_764_000_000_000
/** Redis drops limiters by its own clock, which hardly moves in this test: so all times are of minutes. */
const minute = 60_000
const lease = { owner: 'o', ms: minute }

/** The functions as they are, with a clock that the test sets. */
function libraryWithClock() {
  const { source, nameOf } = readLibrary()
  const clock = /local function clock\(\)\n[\s\S]*?\nend\n/
  assert.match(source, clock)
  const withClock = source.replace(clock, 'local test_now = 0\nlocal function clock() return test_now end\n')
  const setter = `redis.register_function('set_clock', function(_, args) test_now = tonumber(args[1]) end)`
  return { nameOf, source: `${withClock}${setter}\n` }
}

const nextOf = {
  done: { kind: 'done' },
  failed: { kind: 'failed' },
  retry: { kind: 'retry', afterMs: minute },
  second: { kind: 'second', channel: 'voice', afterMs: minute },
} as const satisfies Record<string, Settlement['next']>

describe('Redis and the verbs of the other engines', peer, () => {
  let redis: Redis
  let client: Client
  const library = libraryWithClock()
  before(async () => {
    redis = await startRedis({ password: null })
    client = new Client({ port: redis.nodes[0]!.port, protocol: 2 })
    await client.function('LOAD', library.source)
  })
  after(async () => {
    client?.disconnect()
    await redis?.[Symbol.asyncDispose]()
  })

  const window = fc.record({
    kind: fc.constant('window' as const),
    max: fc.oneof({ weight: 6, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.constant(0)),
    perMs: fc.integer({ min: 1, max: 5 }).map((some) => some * minute),
  })
  const gaps = fc.record({
    kind: fc.constant('gaps' as const),
    gapsMs: fc.array(
      fc.integer({ min: 1, max: 3 }).map((some) => some * minute),
      { minLength: 1, maxLength: 3 },
    ),
    perMs: fc.constant(10 * minute),
  })
  const limitOf = (scope: Limit['scope'], name: string) =>
    fc.record({
      scope: fc.constant(scope),
      key: fc.constant(`${name}`),
      form: fc.constant('events' as const),
      rules: fc.array<Rule>(fc.oneof({ weight: 2, arbitrary: window }, gaps), { maxLength: 2 }),
      keepMs: fc.constant(10 * minute),
    })
  /** By a policy: what an issue and a submission of a person acquire. */
  const policies = fc.tuple(
    limitOf('address', 'ia'),
    limitOf('member', 'iu'),
    limitOf('member-address', 'sm'),
    limitOf('member', 'wu'),
    limitOf('address', 'wa'),
  )
  const person = fc.nat(1)
  /** A key that the call's caller gave it, and a change of its body. */
  const once = fc.option(
    fc.record({ key: fc.nat(1), body: fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, fc.constant(1)) }),
  )
  /** Submissions of a code. Mostly the same, as an app's policy has it, so that a start finds one without any left. */
  const max = fc.oneof({ weight: 2, arbitrary: fc.constant(2) }, fc.integer({ min: 1, max: 3 }))
  const act = fc.oneof(
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('issue' as const),
        person,
        hasMessage: fc.boolean(),
        lifetimeMin: fc.integer({ min: 1, max: 8 }),
        max,
        isHeld: fc.oneof({ weight: 2, arbitrary: fc.constant(false) }, fc.constant(true)),
        quietMs: fc.option(fc.constantFrom(0, 10_000, 2 * minute)),
        once,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('submit' as const),
        person,
        max,
        repeat: fc.option(fc.nat(1)),
        /** Which of the verifications so far, also ended ones; null: the live one of the person. */
        byId: fc.option(fc.nat()),
        /** Of these one that has ended, preferably, while another of its key may live. */
        isOver: fc.boolean(),
        once,
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('use' as const),
        nth: fc.nat(),
        consumes: fc.boolean(),
        repeat: fc.option(fc.nat(1)),
        once,
      }),
    },
    fc.record({ kind: fc.constant('resend' as const), nth: fc.nat(), hasMessage: fc.boolean(), max, once }),
    fc.record({ kind: fc.constant('cancel' as const), nth: fc.nat(), once }),
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('solve' as const),
        nth: fc.nat(),
        hasMessage: fc.boolean(),
        lifetimeMin: fc.integer({ min: 1, max: 8 }),
        once,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('settle' as const),
        nth: fc.nat(),
        next: fc.constantFrom('done' as const, 'retry' as const, 'second' as const, 'failed' as const),
        outcome: fc.constantFrom('accepted' as const, 'unavailable' as const, 'unknown' as const),
      }),
    },
    fc.record({ kind: fc.constant('begin' as const), nth: fc.nat() }),
    fc.record({ kind: fc.constant('postpone' as const), nth: fc.nat() }),
    fc.record({ kind: fc.constant('claim' as const) }),
  )
  const step = fc.record({
    // Also backwards, as a clock that was set, or the next master's, may go.
    afterMs: fc.oneof(fc.constantFrom(0, 1_000, 20_000, 61_000), fc.integer({ min: -4_000, max: 0 })),
    acts: fc.array(act, { minLength: 1, maxLength: 4 }),
  })

  test('give the same answers and leave the same records, whatever the acts, the limits and the times', async () => {
    await fc.assert(
      fc.asyncProperty(
        policies,
        fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }),
        async (limits, steps) => {
          const layout = createLayout(unlike(), 1)
          const calls = createCalls(client, library, layout, [], null)
          const until = () => performance.now() + 30_000
          const uses = redisUses(calls, layout)
          const claims = redisClaims(calls, layout, { lookUp: async () => [] })
          const outbox = redisOutbox(calls, layout, claims)
          const verifications = redisVerifications(calls, layout)
          const read = async (id: string) => {
            const record = await verifications.get(until(), id)
            return record && verificationOf(record)
          }
          const byId = actsById(calls, layout, read, notInHistory)
          const model = unitInMemory(start)
          const keys = [0, 1].map((nth) => newKey({ address: `tel:+861380013800${nth}` }))
          const base = unlike()
          const own = (limit: Limit, who: number): Limit => ({
            ...limit,
            key: `${limit.key}:${base}:${who}`,
          })
          const taken: { id: string; wrong: readonly Hit[] }[] = []
          const issued: { readonly id: string; readonly person: number }[] = []
          let held: OutboxEntry[] = []
          /** @param about  What the call is about, which is a part of its body. */
          const onceOf = (kind: string, about: string, wish: { key: number; body: number } | null) =>
            wish && { once: { key: `${kind}:${base}:${wish.key}`, fingerprint: `${about}:${wish.body}` } }
          const message = () => newMessage({ cooldown: [own(limits[0], 0).key] })
          const noted = <T extends object>(result: T): T => {
            if ('entry' in result && result.entry) held.push(result.entry as OutboxEntry)
            return result
          }

          /** What Redis answers beside what the verb decides. */
          async function pair(
            one: (typeof steps)[number]['acts'][number],
          ): Promise<[unknown, unknown] | undefined> {
            switch (one.kind) {
              case 'issue': {
                const key = keys[one.person]!
                const cooldown = own(limits[0], one.person)
                const request: IssueRequest = {
                  id: newVerificationId(start, key.address),
                  key,
                  keyId: 'k',
                  digits: 6,
                  lifetimeMs: one.lifetimeMin * minute,
                  isTest: !one.hasMessage,
                  maxSubmissions: one.max,
                  limits: [cooldown, own(limits[1], one.person)],
                  lease,
                  ...(one.isHeld && { isHeld: true }),
                  ...(one.hasMessage && !one.isHeld && { message: newMessage({ cooldown: [cooldown.key] }) }),
                  ...(one.quietMs !== null && { keepsLive: { quietMs: one.quietMs } }),
                  ...onceOf('issue', `${one.person}`, one.once),
                }
                const expected = noted(decideIssue.decide(model, request))
                if (expected.kind === 'issued') issued.push({ id: request.id, person: one.person })
                return [await issue(calls, layout, read, () => true, until(), request), expected]
              }
              case 'resend':
              case 'cancel':
              case 'solve': {
                if (issued.length === 0) return undefined
                // A held one preferably, because most are solved while they are held.
                const stillHeld = issued.filter(({ id }) => model.records().get(id)?.state === 'held')
                const from = one.kind === 'solve' && stillHeld.length > 0 ? stillHeld : issued
                const { id, person } = from[one.nth % from.length]!
                const named = { id, ...onceOf(one.kind, id, one.once) }
                if (one.kind === 'cancel') {
                  const expected = cancel.decide(model, named)
                  return [await byId.cancel(until(), named), expected]
                }
                const sent = { ...named, lease, ...(one.hasMessage && { message: message() }) }
                if (one.kind === 'resend') {
                  const request = {
                    ...sent,
                    maxSubmissions: one.max,
                    limits: [own(limits[0], person), own(limits[1], person)],
                  }
                  const expected = noted(resend.decide(model, request))
                  return [await byId.resend(until(), request), expected]
                }
                const request = { ...sent, key: keys[person]!, lifetimeMs: one.lifetimeMin * minute }
                const expected = noted(solve.decide(model, request))
                return [await byId.solve(until(), request), expected]
              }
              case 'submit': {
                const over = issued.filter(({ id }) => model.records().get(id)?.state !== 'live')
                const from = one.isOver && over.length > 0 ? over : issued
                const named = one.byId === null ? undefined : from[one.byId % from.length]
                const person = named?.person ?? one.person
                const request: SubmissionRequest = {
                  key: keys[person]!,
                  ...(named && { id: named.id }),
                  counted: [own(limits[2], person)],
                  wrong: [
                    own(limits[3], person),
                    { ...own(limits[4], person), decoyKey: `wx:${base}:${person}` },
                  ],
                  maxSubmissions: one.max,
                  ...(one.repeat !== null && { repeat: `${one.repeat}` }),
                  // As in the product: only who names the verification names the call too.
                  ...(named && onceOf('submit', named.id, one.once)),
                }
                const expected = decideSubmission.decide(model, request)
                if (expected.kind === 'taken' && expected.record)
                  taken.push({ id: expected.record.id, wrong: expected.wrong })
                return [
                  await takeSubmission(
                    calls,
                    layout,
                    verifications.get,
                    read,
                    notInHistory,
                    until(),
                    request,
                  ),
                  expected,
                ]
              }
              case 'use': {
                if (taken.length === 0) return undefined
                const of = taken[one.nth % taken.length]!
                const request: UseRequest = {
                  ...of,
                  consumes: one.consumes,
                  ...(one.repeat !== null && { repeat: `${one.repeat}` }),
                  ...onceOf('use', of.id, one.once),
                }
                const expected = use.decide(model, request)
                return [await uses.use(until(), request), expected]
              }
              case 'claim': {
                const expected = model.claim(lease)
                const { entries: found } = await claimDue(calls, layout, until(), 0, 1000, lease)
                held = [...held, ...expected]
                const byId = (some: readonly OutboxEntry[]) =>
                  some
                    .map((entry) => ({ ...entry, remainingMs: 0 }))
                    .toSorted((a, b) => (a.message.id < b.message.id ? -1 : 1))
                return [byId(found), byId(expected)]
              }
              default: {
                if (held.length === 0) return undefined
                const entry = held[one.nth % held.length]!
                const key = {
                  messageId: entry.message.id,
                  queuedAt: entry.queuedAt,
                  verification: entry.verification!.id,
                }
                if (one.kind === 'begin') {
                  const mark = { ...key, nth: entry.nth, provider: 'p' }
                  const expected = begin.decide(model, [mark])
                  return [await outbox.begin(until(), [mark]), expected]
                }
                if (one.kind === 'postpone') {
                  held = held.filter((other) => other !== entry)
                  // Only its owner puts a message back.
                  if (model.claimsOf(key) !== entry.nth) return undefined
                  const expected = postpone.decide(model, [key], minute)
                  return [await outbox.postpone(until(), [key], minute), expected]
                }
                held = held.filter((other) => other !== entry)
                const next = nextOf[one.next]
                const outcome = next.kind === 'second' ? 'accepted' : one.outcome
                const settlement: Settlement = {
                  ...settlementOf(entry, next, outcome),
                  told: verificationFacts(entry.verification!),
                }
                const expected = settle.decide(model, [settlement])
                const isLate = await outbox.settle(until(), [settlement])
                return [isLate.map((late) => next.kind === 'failed' && !late), expected]
              }
            }
          }

          for (const { afterMs, acts } of steps) {
            model.now += afterMs
            await client.fcall('set_clock', 0, model.now)
            // All at once, so that those of a kind go to Redis in one call; of one kind, in this order.
            const [first] = acts
            const some = acts.filter(({ kind }) => kind === first!.kind)
            const pairs = await Promise.all(some.map(pair))
            for (const one of pairs) if (one) assert.deepEqual(comparable(one[0]), comparable(one[1]))
          }
          const left = await client.hgetall(layout.of[0]!.records)
          delete left.decoy
          const records = Object.values(left).map((text) => verificationOf(parseRecord(text)))
          assert.deepEqual(new Map(records.map((one) => [one.id, one])), model.records())
          assert.deepEqual(new Set(Object.keys(await client.hgetall(layout.of[0]!.entries))), model.entries())
          const told = (await client.zrange(layout.of[0]!.events, '0', '-1')).flatMap(eventsIn)
          // The history adds an event with the same id once.
          const added = told.filter(({ id }, nth) => told.findIndex((one) => one.id === id) === nth)
          assert.deepEqual(added.map(factsOf), model.told().map(factsOf))
          // Each is moved when it is over, and not before its messages are.
          const messages = Object.values(await client.hgetall(layout.of[0]!.entries)).map(
            (text) => (JSON.parse(text) as { verification: string }).verification,
          )
          for (const text of Object.values(left)) {
            const { id, expiresAt, messages: named } = parseRecord(text)
            assert.equal(Number(await client.zscore(layout.of[0]!.ends, id)), expiresAt)
            assert.equal(named, messages.filter((one) => one === id).length)
          }
          for (const [key, state] of model.limiterStates) {
            const text = await client.getBuffer(layout.limiter(key).key)
            assert.equal(text === null, state.length === 0, key)
          }
        },
      ),
      { numRuns: 150 },
    )
  })
})

const notInHistory = async () => undefined

/** Without its id, which is new unless its act states one. */
function factsOf({ id, ...rest }: AppEvent) {
  return rest.type === 'verification.sent' ? { id, ...rest } : rest
}

/** Without what stands for a verification that is not there, which Redis keeps to itself, and without what is undefined. */
function comparable(answer: unknown): unknown {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return answer
  return Object.fromEntries(
    Object.entries(answer).filter(([name, value]) => name !== 'decoy' && value !== undefined),
  )
}
