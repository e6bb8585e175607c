import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { solveChallenge as solveChallengeOfAltcha } from 'altcha-lib/v1'
import { parseAddress } from '../address/address.ts'
import { systemClock } from '../clock.ts'
import { codeOf } from '../code/code-of.ts'
import { newKeyLine, parseKeyRing } from '../code/key-ring.ts'
import { defaultPolicy } from '../config/app-policy.ts'
import { createMessageOfEntry } from '../delivery/message-of-entry.ts'
import type { App } from '../directory/directory.ts'
import type { OutboxEntry } from '../message/outbox-entry.ts'
import { createMetrics } from '../metrics.ts'
import { openStore } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'
import { defaultAddressCap } from '../throttle/policy.ts'
import type { ApiCaller } from './api-caller.ts'
import type { KeyHolder } from './api-keys.ts'
import { checkVerification, checkWithSecret } from './check-verification.ts'
import { dryRun } from './dry-run.ts'
import { startOnPage } from './hosted-page.ts'
import type { HostedSession } from './hosted-session.ts'
import { limitsLeft } from './limits-left.ts'
import { listVerifications, searchVerifications } from './list-verifications.ts'
import type { AppPolicy } from './policy.ts'
import { readTimeline, readVerification } from './read-verification.ts'
import type { Services } from './services.ts'
import type { StartRequest } from './start-request.ts'
import { startVerification } from './start-verification.ts'
import { cancelVerification, sendAgain, sendNext, solveChallenge } from './verification-acts.ts'

const ring = parseKeyRing(newKeyLine(new Date()))
const folder = mkdtempSync(join(tmpdir(), 'verifications-'))
let store: Store
let services: Services
const handedOver: OutboxEntry[] = []
let policy: AppPolicy = defaultPolicy

const app: App = {
  id: 'a'.repeat(32),
  tenant: 't',
  name: 'A',
  sealedKey: 's',
  isServiceProvider: false,
  isDisabled: false,
  policy: {},
  description: '',
  previousKey: null,
  createdAt: 1,
  updatedAt: 1,
}
const caller: ApiCaller = { tenant: 't', app, keyId: 'key_1', isTest: false, hasEvents: false }

before(async () => {
  store = await openStore({ engine: 'sqlite', path: join(folder, 'store.db') })
  await store.directory.addTenant({ id: 't', name: 'T', accountApp: app.id })
  await store.directory.addApp(app)
  services = {
    store,
    ring,
    clock: systemClock,
    metrics: createMetrics(
      async () => undefined,
      () => [],
      async () => true,
    ),
    publicUrl: () => null,
    policyOf: () => policy,
    hasLimits: true,
    addressCap: defaultAddressCap,
    testCodeOf: () => undefined,
    serves: ({ channel, isSandboxed }) => channel !== 'whatsapp' && (channel !== 'voice' || !isSandboxed),
    routeFor: () => ({ name: 'routes.sms', carriers: [{ name: 'one', cost: 0.02 }] }),
    render: (_template, channel, locale, _id, { code }) => ({
      text: `${locale} ${channel} ${code}`,
      variables: [],
    }),
    codeTemplates: { names: ['code'], faultOf: () => undefined },
    recordRefusal: () => undefined,
    lease: { owner: 'tests', ms: 15_000 },
    handOver: (entry) => void handedOver.push(entry),
    areEventsRead: () => false,
  } as Partial<Services> as Services
})
after(async () => {
  await store?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

let last = 13_800_100_000
function newTo(text = `+86${last++}`) {
  const parsed = parseAddress(text)
  assert.ok(parsed.kind === 'parsed')
  return parsed.address
}

async function started(change: Partial<StartRequest> = {}, by = caller) {
  const outcome = await startVerification(services, by, { to: newTo(), ...change })
  assert.ok(outcome.kind === 'started', outcome.kind)
  const record = (await store.verifications.get(outcome.view.id))!
  return { ...outcome, id: record.id, record, code: codeOf(ring.newest, record) }
}

const testCaller: ApiCaller = { ...caller, isTest: true }
const { issues } = defaultPolicy.limits
const withoutGaps: AppPolicy = {
  ...defaultPolicy,
  limits: {
    ...defaultPolicy.limits,
    issues: { ...issues, address: { ...issues.address, gapsMs: [] } },
  },
}

let lastOnce = 0
const newOnce = () => ({ key: `once ${lastOnce++}`, fingerprint: 'body' })

const wrong = (code: string) => (code[0] === '1' ? '2' : '1') + code.slice(1)

test('a check of what this process started asks the store for nothing that the start knew', async (t) => {
  const verifications = { ...store.verifications, get: () => assert.fail('asked the store') }
  const here = { ...services, store: { ...store, verifications } }
  const outcome = await startVerification(here, caller, { to: newTo() })
  assert.ok(outcome.kind === 'started', outcome.kind)
  const { id } = outcome.view
  const code = codeOf(ring.newest, (await store.verifications.get(id))!)
  assert.equal((await checkVerification(here, { ...caller, isTest: true }, id, code)).kind, 'not-found')
  assert.equal((await checkVerification(here, caller, id, code)).kind, 'verified')
  // What is remembered is still live.
  const again = await checkVerification(here, caller, id, code)
  assert.ok(again.kind === 'refused')
  assert.deepEqual([again.reason, again.view.state], ['used', 'used'])
  assert.equal((await checkWithSecret(here, id, outcome.secret, code)).kind, 'refused')
  // Nor for its app, which another such check has just asked for.
  const asked = t.mock.method(store.directory, 'app', () => assert.fail('asked for the app'))
  assert.equal((await checkWithSecret(here, id, outcome.secret, code)).kind, 'refused')
  assert.equal(asked.mock.callCount(), 0)
})

test('a start sends a code that checks once', async () => {
  const { id, code, view } = await started({ subject: 'u_42', metadata: { order: '7' } })
  assert.equal(handedOver.at(-1)?.verification?.id, id)
  assert.equal(view.state, 'live')
  assert.equal(view.subject, 'u_42')
  assert.match(view.toMasked, /^\+86138\*{4}\d{4}$/)
  assert.deepEqual(view.metadata, { order: '7' })
  assert.equal(view.submissionsLeft, 5)
  const right = await checkVerification(services, caller, id, ` ${code.slice(0, 3)}-${code.slice(3)}`)
  assert.ok(right.kind === 'verified')
  assert.equal(right.view.state, 'used')
  assert.equal(right.channel, 'sms')
  const again = await checkVerification(services, caller, id, code)
  assert.ok(again.kind === 'refused' && again.reason === 'used')
})

test('wrong codes are counted down, and the fifth spends the code', async () => {
  const { id, code } = await started()
  for (const left of [4, 3, 2, 1, 0]) {
    const outcome = await checkVerification(services, caller, id, wrong(code))
    assert.ok(outcome.kind === 'refused' && outcome.reason === 'wrong')
    assert.equal(outcome.view.submissionsLeft, left)
  }
  const right = await checkVerification(services, caller, id, code)
  assert.ok(right.kind === 'refused' && right.reason === 'spent')
})

test('a code without a submission left is spent: it is not sent again, and a start makes another', async () => {
  policy = withoutGaps
  const wishes = { to: newTo() }
  const { id, code } = await started(wishes)
  for (let tries = 0; tries < 5; tries++) await checkVerification(services, caller, id, wrong(code))
  assert.equal((await readVerification(services, caller, id))?.view.state, 'spent')
  const sent = handedOver.length
  const again = await sendAgain(services, caller, id)
  assert.ok(again.kind === 'conflict' && again.view.state === 'spent')
  assert.equal(handedOver.length, sent)
  const next = await started(wishes)
  policy = defaultPolicy
  assert.notEqual(next.id, id)
  assert.equal(next.view.submissionsLeft, 5)
})

test('a right code after its end is refused as late', async () => {
  policy = { ...defaultPolicy, lifetimeMs: { sms: 50, email: 50, reset: 50 } }
  const { id, code } = await started()
  policy = defaultPolicy
  await new Promise((resolve) => setTimeout(resolve, 80))
  const wrongLate = await checkVerification(services, caller, id, wrong(code))
  assert.ok(wrongLate.kind === 'refused' && wrongLate.reason === 'expired' && !wrongLate.isLate)
  const late = await checkVerification(services, caller, id, code)
  assert.ok(late.kind === 'refused' && late.reason === 'expired' && late.isLate)
  assert.equal(late.view.state, 'expired')
})

test('another app, a test key and an unknown id find no verification, and count nothing', async () => {
  const { id, code } = await started()
  const strangers = [
    { ...caller, app: { ...app, id: 'b'.repeat(32) } },
    { ...caller, isTest: true },
  ]
  for (const stranger of strangers)
    assert.equal((await checkVerification(services, stranger, id, code)).kind, 'not-found')
  assert.equal((await checkVerification(services, caller, `${id.slice(0, -4)}0000`, code)).kind, 'not-found')
  assert.equal((await store.verifications.get(id))?.submissions, 0)
})

test('N-7: a code serves its own subject, purpose, address and app only', async () => {
  const to = newTo()
  const one = await started({ to, subject: 'u_1' })
  const others = [
    await started({ to, subject: 'u_2' }),
    await started({ to, subject: 'u_3', purpose: 'sign-up' }),
    await started({ subject: 'u_1' }),
  ]
  for (const other of others) {
    assert.notEqual(other.code, one.code)
    const outcome = await checkVerification(services, caller, other.id, one.code)
    assert.ok(outcome.kind === 'refused' && outcome.reason === 'wrong')
  }
})

test('with its secret a code is checked without a key; without it nobody can burn a guess', async () => {
  const { id, code, secret } = await started()
  for (const guess of ['', 'vs_', `${secret.slice(0, -1)}A`.replace(secret, `${secret}x`)])
    assert.equal((await checkWithSecret(services, id, guess, wrong(code))).kind, 'not-found')
  assert.equal((await store.verifications.get(id))?.submissions, 0)
  const other = await started()
  assert.equal((await checkWithSecret(services, other.id, secret, other.code)).kind, 'not-found')
  assert.equal((await checkWithSecret(services, id, secret, code)).kind, 'verified')
})

test('the limits of a member hold for a subject: gap, addresses of one subject, guesses over several codes', async () => {
  const to = newTo()
  await started({ to, subject: 'u_gap' })
  const soon = await startVerification(services, caller, { to, subject: 'u_gap', purpose: 'other' })
  assert.ok(soon.kind === 'throttled' && soon.rule === 'gaps')
  for (let nth = 0; nth < 5; nth++) await started({ subject: 'u_many' })
  const sixth = await startVerification(services, caller, { to: newTo(), subject: 'u_many' })
  assert.ok(sixth.kind === 'throttled' && sixth.scope === 'member-addresses')
})

test('wishes beyond the bounds are refused with the place of the fault', async () => {
  for (const [code, pointer] of [
    [{ length: 5 }, '/code/length'],
    [{ length: 11 }, '/code/length'],
    [{ lifetimeMs: 29_999 }, '/code/life_s'],
    [{ lifetimeMs: 600_001 }, '/code/life_s'],
  ] as const) {
    const outcome = await startVerification(services, caller, { to: newTo(), code })
    assert.ok(outcome.kind === 'invalid' && outcome.pointer === pointer)
  }
  const { view } = await started({ code: { length: 8, lifetimeMs: 300_000 } })
  assert.equal(view.codeLength, 8)
  assert.equal(view.expiresAt - view.createdAt, 300_000)
})

test('a start that comes again by its key gets the same answer with its secret, and sends nothing', async () => {
  const to = newTo()
  const once = newOnce()
  const first = await startVerification(services, caller, { to }, once)
  assert.ok(first.kind === 'started')
  const sent = handedOver.length
  const again = await startVerification(services, caller, { to }, once)
  assert.deepEqual(again, { ...first, replayed: true })
  assert.equal(handedOver.length, sent)
  const other = { ...once, fingerprint: 'other' }
  assert.deepEqual(await startVerification(services, caller, { to }, other), { kind: 'mismatch' })
})

test('without a key a second start within ten seconds is taken for the same; by another key it waits for the gap', async () => {
  const to = newTo()
  const first = await started({ to })
  const sent = handedOver.length
  const second = await startVerification(services, caller, { to })
  assert.ok(second.kind === 'kept' && second.retryAfterMs === null)
  assert.equal(second.view.id, first.id)
  assert.equal(second.secret, first.secret)
  for (const wish of [
    { nonce: 'n' },
    { audience: 'shop' },
    { proof: 'hashed' },
    { code: { length: 8 } },
    { code: { alphabet: 'crockford' } },
    { client: { ip: '192.0.2.1' } },
  ] as const) {
    const other = await startVerification(services, caller, { to, ...wish })
    assert.ok(other.kind === 'kept' && other.secret === undefined, 'other wishes are another caller’s')
    assert.ok(other.retryAfterMs! > 0 && other.retryAfterMs! <= 10_000)
  }
  const third = await startVerification(services, caller, { to }, newOnce())
  assert.ok(third.kind === 'kept' && third.secret === undefined)
  assert.ok(third.retryAfterMs! > 55_000 && third.retryAfterMs! <= 60_000)
  assert.equal(handedOver.length, sent)
})

test('a check that comes again by its key counts no guess, and a right one stays right', async () => {
  const { id, code } = await started()
  const guess = newOnce()
  const refused = await checkVerification(services, caller, id, wrong(code), guess)
  assert.ok(refused.kind === 'refused')
  for (let nth = 0; nth < 6; nth++)
    assert.deepEqual(await checkVerification(services, caller, id, wrong(code), guess), {
      ...refused,
      replayed: true,
    })
  assert.equal((await store.verifications.get(id))?.submissions, 1)
  const right = newOnce()
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, () => checkVerification(services, caller, id, code, right)),
  )
  assert.ok(outcomes.every(({ kind }) => kind === 'verified'))
  assert.equal((await store.verifications.get(id))?.submissions, 2)
  const another = await checkVerification(services, caller, id, code, newOnce())
  assert.ok(another.kind === 'refused' && another.reason === 'used')
})

test('a code is sent again by the same channel or another, after the gap, and stays the same', async () => {
  const to = newTo()
  const { id, code, view } = await started({ to })
  assert.deepEqual(view.next?.channels, ['sms', 'voice'])
  assert.ok(view.next!.sendAfterMs > 55_000 && view.next!.sendAfterMs <= 60_000)
  const soon = await sendAgain(services, caller, id)
  assert.ok(soon.kind === 'throttled' && soon.rule === 'gaps')
  policy = withoutGaps
  const sent = handedOver.length
  const once = newOnce()
  const outcome = await sendAgain(services, caller, id, 'voice', once)
  assert.ok(outcome.kind === 'sent' && outcome.channel === 'voice')
  assert.deepEqual(
    [handedOver.at(-1)?.message.channel, handedOver.at(-1)?.verification?.id, handedOver.length],
    ['voice', id, sent + 1],
  )
  assert.equal(codeOf(ring.newest, handedOver.at(-1)!.verification!), code)
  const again = await sendAgain(services, caller, id, 'voice', once)
  assert.ok(again.kind === 'sent' && again.replayed)
  assert.equal(handedOver.length, sent + 1)
  assert.equal((await sendAgain(services, caller, id, 'email')).kind, 'unreachable')
  const stranger = { ...caller, app: { ...app, id: 'c'.repeat(32) } }
  assert.equal((await sendAgain(services, stranger, id)).kind, 'not-found')
  await checkVerification(services, caller, id, code)
  const late = await sendAgain(services, caller, id)
  assert.ok(late.kind === 'conflict' && late.view.state === 'used')
  policy = defaultPolicy
})

test('a cancelled code is refused as such, and is cancelled once', async () => {
  const { id, code } = await started()
  const once = newOnce()
  const outcome = await cancelVerification(services, caller, id, once)
  assert.ok(outcome.kind === 'cancelled' && outcome.view.state === 'cancelled')
  assert.deepEqual(await cancelVerification(services, caller, id, once), { ...outcome, replayed: true })
  const refused = await checkVerification(services, caller, id, code)
  assert.ok(refused.kind === 'refused' && refused.reason === 'cancelled')
  const again = await cancelVerification(services, caller, id, newOnce())
  assert.ok(again.kind === 'conflict' && again.view.state === 'cancelled')
})

test('a held verification sends its code when its challenge is solved, once', async () => {
  const sent = handedOver.length
  const outcome = await startVerification(services, testCaller, { to: newTo(), testRisk: 'challenge' })
  assert.ok(outcome.kind === 'held')
  const { view, challenge } = outcome
  assert.equal(view.state, 'held')
  assert.equal(view.expiresAt - view.createdAt > 590_000, true)
  assert.equal(handedOver.length, sent)
  assert.equal((await checkVerification(services, testCaller, view.id, '000000')).kind, 'held')
  const read = await readVerification(services, testCaller, view.id)
  assert.deepEqual(read?.challenge, challenge)
  const { salt, max } = challenge
  const solution = await solveChallengeOfAltcha(challenge.challenge, salt, 'SHA-256', max).promise
  assert.ok(solution)
  const payload = (number: number) => Buffer.from(JSON.stringify({ ...challenge, number })).toString('base64')
  for (const bad of ['', 'e30=', 'no base64!', payload(solution.number + 1), payload(-1)])
    assert.equal((await solveChallenge(services, testCaller, view.id, bad)).kind, 'unsolved', bad)
  const other = await startVerification(services, testCaller, { to: newTo(), testRisk: 'challenge' })
  assert.ok(other.kind === 'held')
  const stolen = await solveChallenge(services, testCaller, other.view.id, payload(solution.number))
  assert.equal(stolen.kind, 'unsolved', 'a solution is of one verification')
  const results = await Promise.all(
    Array.from({ length: 10 }, () => solveChallenge(services, testCaller, view.id, payload(solution.number))),
  )
  const [won, ...more] = results.filter(({ kind }) => kind === 'sent')
  assert.ok(won?.kind === 'sent' && more.length === 0)
  assert.equal(won.view.state, 'live')
  assert.equal(handedOver.length, sent + 1)
  assert.equal(handedOver.at(-1)?.message.isSandboxed, true)
  const record = (await store.verifications.get(view.id))!
  const right = await checkVerification(services, testCaller, view.id, codeOf(ring.newest, record))
  assert.equal(right.kind, 'verified')
})

test('a held verification whose challenge was not solved in time has expired', async (t) => {
  const held = await startVerification(services, testCaller, { to: newTo(), testRisk: 'challenge' })
  assert.ok(held.kind === 'held')
  const { id, expiresAt } = held.view
  let now = expiresAt - 1
  t.mock.method(store, 'now', async () => now)
  assert.equal((await checkVerification(services, testCaller, id, '123456')).kind, 'held')
  now = expiresAt
  const checked = await checkVerification(services, testCaller, id, '123456')
  assert.ok(checked.kind === 'refused')
  assert.deepEqual([checked.reason, checked.view.state], ['expired', 'expired'])
  const solved = await solveChallenge(services, testCaller, id, 'eyJ9')
  assert.deepEqual(solved.kind === 'conflict' && solved.view.state, 'expired')
})

test('a page whose session wishes what is there no more is told so, and goes by ways that reach the address', async () => {
  const session: Omit<HostedSession, 'wishes'> = {
    ...{ id: 'ses_1', keyHash: 'h', to: null, returnUrl: '', frameAncestors: [], locale: null },
    ...{ verification: null, expiresAt: Number.POSITIVE_INFINITY },
    asks: 'either',
    theme: 'auto',
  }
  const start = async (wishes: Partial<StartRequest>, to: string, on = services) => {
    const holder = { key: { isTest: false }, tenant: { id: 't' }, app } as unknown as KeyHolder
    return startOnPage(on, { session: { ...session, wishes }, holder }, { to, network: 'n' })
  }
  const removed = { names: ['code'], faultOf: () => ({ pointer: '/template', detail: 'is no template' }) }
  const outdated = await start({ template: 'gone' }, `+86${last++}`, { ...services, codeTemplates: removed })
  assert.equal(outdated.kind, 'outdated')
  const plan = (['voice', 'sms'] as const).map((channel, nth) => {
    return { channel, afterMs: nth * 30_000, unless: 'used' } as const
  })
  const channelTo = async (to: string) => {
    const outcome = await start({ subject: to, plan }, to)
    return outcome.kind === 'started' ? outcome.view.channel : outcome.kind
  }
  assert.equal(await channelTo(`+86${last++}`), 'voice')
  assert.equal(await channelTo(`a${last++}@example.com`), 'email')
  const unserved = [{ channel: 'whatsapp', afterMs: 0, unless: 'used' }] as const
  assert.equal((await start({ plan: unserved }, `+86${last++}`)).kind, 'unreachable')
})

test('a test key sends to the sandbox alone, may choose a code, and its verifications are its own', async () => {
  const { id, record, view } = await started({ code: { value: '246802' } }, testCaller)
  assert.equal(view.isTest, true)
  assert.equal(handedOver.at(-1)?.message.isSandboxed, true)
  assert.equal(codeOf(ring.newest, record), '246802')
  assert.equal((await checkVerification(services, caller, id, '246802')).kind, 'not-found')
  assert.equal((await checkVerification(services, testCaller, id, '246802')).kind, 'verified')
  const real = await startVerification(services, caller, { to: newTo(), code: { value: '246802' } })
  assert.ok(real.kind === 'invalid' && real.pointer === '/code/value')
  const chosen = await startVerification(services, caller, { to: newTo(), testRisk: 'allow' })
  assert.ok(chosen.kind === 'invalid' && chosen.pointer === '/test')
  const refused = await startVerification(services, testCaller, { to: newTo(), testRisk: 'refuse' })
  assert.equal(refused.kind, 'refused-by-guard')
  const asked = { to: newTo(), testRisk: 'challenge', challenge: 'none' } as const
  assert.equal((await startVerification(services, testCaller, asked)).kind, 'refused-by-guard')
})

test('a verification whose messages no carrier took is undeliverable, and how it may go on is told', async () => {
  const { id } = await started()
  const read = async () => (await readVerification(services, caller, id))!.view
  assert.deepEqual([(await read()).state, (await read()).dispatches], ['live', 0])
  const entry = handedOver.at(-1)!
  const dispatch = {
    messageId: entry.message.id,
    provider: 'p',
    outcome: 'refused',
    handedOverAt: Date.now(),
    tookMs: 1,
  } as const
  await store.outbox.settle([
    {
      dispatch,
      message: entry.message,
      region: 'CN',
      verification: id,
      queuedAt: entry.queuedAt,
      nth: 1,
      next: { kind: 'failed' },
    },
  ])
  const view = await read()
  assert.equal(view.state, 'undeliverable')
  assert.equal(view.dispatches, 1)
  assert.deepEqual(view.next, { sendAfterMs: 0, channels: ['sms', 'voice'] })
  assert.equal(await readVerification(services, testCaller, id), undefined)
  const timeline = await readTimeline(services, caller, id)
  assert.deepEqual(
    timeline?.steps.map(({ event }) => event),
    ['issued', 'queued', 'handed-over', 'answered', 'given-up'],
  )
})

test('verifications are listed by subject and state, and found by address, for their app and key alone', async () => {
  const to = newTo('list@example.com')
  const made = []
  for (const purpose of ['one', 'two', 'three']) {
    made.push(await started({ subject: 'u_list', purpose, to: purpose === 'two' ? to : newTo() }))
    // Those of one millisecond have no order.
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await checkVerification(services, caller, made[0]!.id, made[0]!.code)
  await started({ subject: 'u_list', code: { value: '135791' }, to }, testCaller)
  const query = { sinceMs: Date.now() - 3_600_000, max: 2, subject: 'u_list' }
  const first = await listVerifications(services, caller, query)
  assert.deepEqual(
    first?.views.map(({ id }) => id),
    [made[2]!.id, made[1]!.id],
  )
  const rest = await listVerifications(services, caller, { ...query, cursor: first!.next! })
  assert.deepEqual(
    rest?.views.map(({ id, state }) => [id, state]),
    [[made[0]!.id, 'used']],
  )
  const used = await listVerifications(services, caller, { ...query, state: 'used' })
  assert.deepEqual(
    used?.views.map(({ id }) => id),
    [made[0]!.id],
  )
  const found = await searchVerifications(services, caller, to, { sinceMs: query.sinceMs, max: 10 })
  assert.deepEqual(
    found?.views.map(({ id }) => id),
    [made[1]!.id],
  )
  const stranger = { ...caller, app: { ...app, id: 'd'.repeat(32) } }
  assert.deepEqual((await listVerifications(services, stranger, query))?.views, [])
  assert.deepEqual((await searchVerifications(services, stranger, to, query))?.views, [])
  assert.equal(await listVerifications(services, stranger, { ...query, cursor: first!.next! }), undefined)
})

const plan = [
  { channel: 'sms', afterMs: 0, unless: 'delivered' },
  { channel: 'voice', afterMs: 30_000, unless: 'used' },
] as const

test('a plan begins by its first step; the next one waits for its time, or is sent at once', async () => {
  const { id, view, code } = await started({ plan, code: { lifetimeMs: 60_000 } })
  assert.deepEqual(view.plan, plan)
  const entry = handedOver.at(-1)!
  assert.equal(entry.message.beginsPlan, true)
  assert.equal((await sendNext(services, caller, id)).kind, 'no-next', 'its first message is under way')
  const { message, queuedAt } = entry
  const dispatch = {
    messageId: message.id,
    provider: 'p',
    outcome: 'accepted',
    handedOverAt: Date.now(),
    tookMs: 1,
  } as const
  const next = { kind: 'second', channel: 'voice', afterMs: 30_000, step: 1, afterDelivery: true } as const
  await store.outbox.settle([{ dispatch, message, region: 'CN', verification: id, queuedAt, nth: 1, next }])
  const sent = await sendNext(services, caller, id)
  assert.ok(sent.kind === 'sent' && sent.channel === 'voice')
  const [claim] = await store.outbox.claim(1, { owner: 'other', ms: 1000 })
  assert.deepEqual([claim?.message.id, claim?.message.channel, claim?.step], [message.id, 'voice', 1])
  await checkVerification(services, caller, id, code)
  assert.equal((await sendNext(services, caller, id)).kind, 'conflict')
})

test('a plan that could not be kept is refused with the step at fault', async () => {
  const refused = async (steps: StartRequest['plan'], change: Partial<StartRequest> = {}) => {
    const outcome = await startVerification(services, caller, { to: newTo(), plan: steps!, ...change })
    assert.ok(outcome.kind === 'invalid', outcome.kind)
    return outcome.pointer
  }
  const [first, second] = plan
  assert.equal(await refused([]), '/plan')
  assert.equal(await refused(Array.from({ length: 5 }, (_, i) => ({ ...first, afterMs: i }))), '/plan')
  assert.equal(await refused([{ ...first, afterMs: 1 }]), '/plan/0/after_s')
  assert.equal(await refused([first, { ...second, afterMs: 0 }]), '/plan/1/after_s')
  assert.equal(await refused([first, { ...second, afterMs: 40_001 }]), '/plan/1/after_s', 'too late to type')
  assert.equal(await refused([first, { ...second, channel: 'email' }]), '/plan/1/channel')
  assert.equal(await refused([first, { ...second, channel: 'whatsapp' }]), '/plan/1/channel', 'no route')
  assert.equal(await refused([first, second], { channel: 'sms' }), '/channel')
  const soon = [first, { ...first, afterMs: 9_999 }]
  assert.equal(await refused(soon, { code: { lifetimeMs: 60_000 } }), '/plan/1/after_s', 'no gap')
})

test('a code of letters is compared as people read it', async () => {
  const { id, code, view } = await started({ code: { alphabet: 'crockford', length: 8 } })
  assert.match(code, /^[0-9A-HJKMNP-TV-Z]{8}$/)
  assert.equal(view.alphabet, 'crockford')
  const typed = code.replaceAll('0', 'o').replaceAll('1', 'l').toLowerCase()
  const right = await checkVerification(services, caller, id, `${typed.slice(0, 4)} ${typed.slice(4)}`)
  assert.equal(right.kind, 'verified')
})

test('a language is told with those that were looked for; a host or an app must be listed', async () => {
  const { view } = await started({ locale: 'de-AT', to: newTo('locale@example.com') })
  assert.deepEqual([view.locale, view.localesTried], ['en-US', ['de-AT', 'de', 'en-US']])
  const asked = { to: newTo(), origin: 'login.example.com', appHash: 'FA+9qCX9VSu' }
  const refused = await startVerification(services, caller, asked)
  assert.ok(refused.kind === 'invalid' && refused.pointer === '/origin')
  policy = { ...defaultPolicy, origins: ['login.example.com'], appHashes: ['FA+9qCX9VSu'] }
  const { record } = await started(asked)
  policy = defaultPolicy
  assert.equal(record.details?.origin, 'login.example.com')
  const render = () => ({ text: 'Code 1', variables: [] })
  const message = createMessageOfEntry(ring, { render })(handedOver.at(-1)!, 60_000, null)
  const code = codeOf(ring.newest, record)
  assert.equal(message.text, `Code 1\nFA+9qCX9VSu\n@login.example.com #${code}`)
})

test('a dry run tells route, price, text and the limit that would refuse, and does nothing', async () => {
  const to = newTo()
  const request = { to, subject: 'u_dry', locale: 'zh', code: { length: 8 } }
  const sent = handedOver.length
  for (let nth = 0; nth < 7; nth++) {
    const outcome = await dryRun(services, caller, request)
    assert.ok(outcome.kind === 'dry-run')
    const { route, text, throttled, risk, localesTried } = outcome
    assert.deepEqual(route, { name: 'routes.sms', carriers: [{ name: 'one', cost: 0.02 }] })
    assert.equal(text, 'zh-CN sms 12345678')
    assert.deepEqual([throttled, risk, localesTried], [undefined, 'allow', ['zh', 'zh-CN']])
  }
  assert.equal(handedOver.length, sent)
  await started(request)
  const after = await dryRun(services, caller, request)
  assert.ok(after.kind === 'dry-run' && after.throttled?.rule === 'gaps')
  const fault = await dryRun(services, caller, { to, code: { length: 5 } })
  assert.ok(fault.kind === 'invalid' && fault.pointer === '/code/length')
})

test('a start that names no channel and no plan goes by the plan of its app, as far as it is served and there is time', async () => {
  const plan = [
    { channel: 'sms', afterMs: 0, unless: 'used' },
    { channel: 'voice', afterMs: 30_000, unless: 'delivered' },
    { channel: 'sms', afterMs: 40_000, unless: 'used' },
  ] as const
  policy = { ...defaultPolicy, plan }
  const planOf = async (change: Partial<StartRequest>, by = caller) => {
    const { record } = await started(change, by)
    return record.details!.plan?.map(({ channel, afterMs }) => `${channel} ${afterMs}`)
  }
  assert.deepEqual(await planOf({}), ['sms 0', 'voice 30000', 'sms 40000'])
  assert.deepEqual(await planOf({ code: { lifetimeMs: 59_000 } }), ['sms 0', 'voice 30000'])
  assert.deepEqual(await planOf({}, testCaller), ['sms 0', 'sms 40000'], 'no call to the sandbox')
  assert.equal(await planOf({ to: newTo('someone@example.com') }), undefined)
  assert.equal(await planOf({ channel: 'voice' }), undefined)
  assert.deepEqual(await planOf({ plan: [{ channel: 'voice', afterMs: 0, unless: 'used' }] }), ['voice 0'])
  policy = { ...policy, plan: plan.map((step, i) => ({ ...step, channel: i === 0 ? 'voice' : 'sms' })) }
  assert.equal(await planOf({}, testCaller), undefined, 'one message at once, without a first step')
  assert.deepEqual(await planOf({}), ['voice 0', 'sms 30000', 'sms 40000'])
  policy = defaultPolicy
})

test('a start has the language of its app where it names none that there is', async () => {
  policy = { ...defaultPolicy, locale: 'en-US' }
  const { view } = await started({ locale: 'fr' })
  assert.deepEqual([view.locale, view.localesTried], ['en-US', ['fr', 'en-US']])
  assert.equal((await started({ locale: 'zh' })).view.locale, 'zh-CN')
  policy = defaultPolicy
  assert.equal((await started()).view.locale, 'zh-CN')
})

test('wrong codes and further messages count in the network of the client, and a spent budget refuses new codes there', async () => {
  const ip = '192.0.2.77'
  const network = `${app.id}/${ip}`
  const { wrong: budgets, submissions } = defaultPolicy.limits
  policy = {
    ...withoutGaps,
    limits: {
      issues: { ...withoutGaps.limits.issues, network: [{ max: 3, perMs: 3_600_000 }] },
      submissions,
      wrong: { ...budgets, network: [{ max: 2, perMs: 3_600_000 }] },
    },
  }
  try {
    const { id, code, secret } = await started({ network, client: { ip } })
    await checkVerification(services, caller, id, wrong(code))
    const other = await started({ network, client: { ip } })
    await checkVerification(services, caller, other.id, wrong(other.code), undefined, 'elsewhere')
    assert.equal(
      (await sendAgain(services, caller, id)).kind,
      'sent',
      'that wrong code was of another network',
    )
    await checkWithSecret(services, id, secret, wrong(code), undefined, () => network)
    const refused = await startVerification(services, caller, { to: newTo(), network })
    assert.ok(refused.kind === 'throttled' && refused.scope === 'network', refused.kind)
    const again = await sendAgain(services, caller, other.id)
    assert.ok(again.kind === 'throttled' && again.scope === 'network', again.kind)
    assert.equal((await sendAgain(services, caller, other.id, undefined, undefined, 'free')).kind, 'sent')
  } finally {
    policy = defaultPolicy
  }
})

test('a dry run tells nothing of what others asked for an address', async () => {
  const to = newTo()
  policy = withoutGaps
  try {
    for (let nth = 0; nth < 5; nth++) await started({ to, subject: `u_others_${nth}` })
    const full = await startVerification(services, caller, { to, subject: 'u_oracle' })
    assert.ok(full.kind === 'throttled' && full.scope === 'address')
    const told = await dryRun(services, caller, { to, subject: 'u_oracle' })
    assert.ok(told.kind === 'dry-run')
    assert.equal(told.throttled, undefined)
  } finally {
    policy = defaultPolicy
  }
})

test('a test key has the limits of its app on a count of their own, and asking tells them', async () => {
  const mine = { ...testCaller, app: { ...app, id: 'b'.repeat(32) } }
  await store.directory.addApp(mine.app)
  const perDay = 2
  policy = {
    ...defaultPolicy,
    limits: { ...defaultPolicy.limits, issues: { ...issues, app: { ...issues.app, perDay } } },
  }
  try {
    for (let nth = 0; nth < perDay; nth++) await started({}, mine)
    const flood = await startVerification(services, mine, { to: newTo() })
    assert.ok(flood.kind === 'throttled' && flood.scope === 'app-day', flood.kind)
    const left = async (by: ApiCaller) =>
      (await limitsLeft(services, by, undefined)).find(({ limit }) => limit === 'app-day')?.left
    assert.equal(await left(mine), 0)
    const live = { ...mine, isTest: false }
    assert.equal(await left(live), perDay, 'no real code is refused because of tests')
    await started({}, live)
  } finally {
    policy = defaultPolicy
  }
})

test('one word of two apps of a tenant is two people, also to limits', async () => {
  const other = { ...caller, app: { ...app, id: 'c'.repeat(32) } }
  await store.directory.addApp(other.app)
  for (let nth = 0; nth < 5; nth++) await started({ subject: 'u_same' })
  const left = async (by: ApiCaller) =>
    (await limitsLeft(services, by, 'u_same')).find(({ limit }) => limit === 'subject-tos')?.left
  assert.deepEqual([await left(caller), await left(other)], [0, 5])
  await started({ subject: 'u_same' }, other)
})

test('each step of a plan counts in the limits of the address and the person', async () => {
  const to = newTo()
  const steps = [0, 10_000, 20_000, 30_000].map((afterMs) => ({ ...plan[0], afterMs }))
  policy = withoutGaps
  try {
    await started({ to, plan: steps, subject: 'u_plan', code: { lifetimeMs: 60_000 } })
    const left = await limitsLeft(services, caller, 'u_plan')
    assert.equal(left.find(({ limit }) => limit === 'subject')?.left, 6)
    const wishes = { to, plan: steps, subject: 'u_plan_2', code: { lifetimeMs: 60_000 } }
    const second = await startVerification(services, caller, wishes)
    assert.ok(second.kind === 'throttled' && second.scope === 'address', second.kind)
    await started({ to, subject: 'u_plan_3' })
    const sixth = await startVerification(services, caller, { to, subject: 'u_plan_4' })
    assert.ok(sixth.kind === 'throttled' && sixth.scope === 'address', sixth.kind)
  } finally {
    policy = defaultPolicy
  }
})
