import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { plainRoutes } from '../../test/plain-routes.ts'
import { until } from '../../test/until.ts'
import { newKeyLine, parseKeyRing } from '../code/key-ring.ts'
import type { Dispatch } from '../message/dispatch.ts'
import type { NewMessage } from '../message/message.ts'
import { openSqliteStore } from '../store/sqlite/sqlite-store.ts'
import type { Store } from '../store/store.ts'
import { newVerificationId } from '../verification/verification.ts'
import { createDelivery, type Delivery } from './delivery.ts'
import { createMeasuredOrder } from './measured-order.ts'
import { type Accepted, DeliveryError, type Message, type Provider } from './provider.ts'
import { createRouter, type Router } from './router.ts'
import { loadTemplates } from './templates.ts'

const ring = parseKeyRing(newKeyLine(new Date()))
const templates = await loadTemplates({ folder: null, signature: '会议服务', product: 'Test', smsParts: 1 })

let folder: string
let store: Store
before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-delivery-'))
  store = await openSqliteStore({ path: join(folder, 'test.db') })
})
after(async () => {
  await store[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

type Script = (message: Message, nth: number) => Accepted | Promise<Accepted>

/** A provider with the behaviour that the test sets. It remembers its messages. */
function scripted(name: string, script: Script) {
  const messages: Message[] = []
  const provider: Provider = {
    name,
    channels: ['sms'],
    hasReceipts: false,
    async send(message) {
      messages.push(message)
      return script(message, messages.length)
    },
  }
  return { provider, messages }
}

const accept: Script = (_, nth) => ({ id: `p${nth}` })
const fail = (kind: DeliveryError['kind']) => (): never => {
  throw new DeliveryError(kind, `scripted ${kind}`)
}

function routerOf(providers: readonly Provider[], afterCrash: 'again' | 'unknown' = 'again') {
  const plain = { perSecond: null, window: 100, timeoutMs: null, cost: 0, senders: [], afterCrash } as const
  return createRouter({
    routes: plainRoutes(providers),
    providers: new Map(providers.map((provider) => [provider.name, { provider, ...plain }])),
    measured: createMeasuredOrder(() => performance.now(), Math.random),
  })
}

let owners = 0

function worker(...providers: Provider[]) {
  return workerOf(routerOf(providers))
}

function workerOf(router: Router): Delivery & { dispatches: Dispatch[] } {
  const dispatches: Dispatch[] = []
  const delivery = createDelivery({
    outbox: store.outbox,
    dispatches: store.dispatches,
    ring,
    templates,
    router,
    owner: `worker-${owners++}`,
    observe: (dispatch) => dispatches.push(dispatch),
  })
  return { ...delivery, dispatches }
}

let subjects = 0

async function issue(
  lease: Delivery['lease'],
  lifetimeMs = 60_000,
  limits: { cooldown?: string; channel?: 'sms' | 'voice' } = {},
) {
  const key = {
    tenant: 't',
    app: 'a',
    subject: `s${subjects++}`,
    address: 'tel:+8613800138000',
    purpose: 'new-contact' as const,
  }
  const message: NewMessage = {
    id: newVerificationId(0, 'tel:+8613800138000').slice(12),
    tenant: 't',
    app: 'a',
    channel: limits.channel ?? 'sms',
    to: { kind: 'phone', e164: '+8613800138000', region: 'CN' },
    locale: 'en-US',
    template: 'code',
    values: {},
    lifetimeMs,
    cooldown: limits.cooldown ? [limits.cooldown] : [],
  }
  const result = await store.verifications.issue({
    id: newVerificationId(Date.now(), 'tel:+8613800138000'),
    key,
    keyId: ring.newest.id,
    digits: 6,
    lifetimeMs,
    isTest: false,
    maxSubmissions: 5,
    limits: limits.cooldown ? [cooldownLimit(limits.cooldown)] : [],
    message,
    lease,
  })
  assert.ok(result.kind === 'issued')
  const entry = result.entry!
  return { ...entry, verification: entry.verification! }
}

const cooldownLimit = (key: string) =>
  ({
    scope: 'address',
    key,
    form: 'events',
    rules: [{ kind: 'gaps', gapsMs: [60_000], perMs: 3_600_000 }],
  }) as const

const isIdle = async () => (await store.outbox.depth()).queued === 0
const outcomes = (delivery: { dispatches: Dispatch[] }) =>
  delivery.dispatches.map((one) => `${one.provider} ${one.outcome}`)

test('an accepted message is off the queue and its dispatch is recorded', async () => {
  const carrier = scripted('one', accept)
  const delivery = worker(carrier.provider)
  const entry = await issue(delivery.lease)
  delivery.handOver(entry)
  await until(isIdle)
  assert.deepEqual(outcomes(delivery), ['one accepted'])
  const [message] = carrier.messages
  assert.match(message!.text, /^\d{6} is your Test verification code/)
  assert.equal(message!.variables[0], message!.text.slice(0, 6))
  const [recorded] = await store.dispatches.of(entry.verification.id)
  assert.equal(recorded?.message, entry.message.id)
  assert.equal(recorded?.outcome, 'accepted')
  assert.equal(recorded?.providerMessageId, 'p1')
})

test('a permanent refusal is not tried again and frees the cooldown', async () => {
  const carrier = scripted('one', fail('refused'))
  const second = scripted('two', accept)
  const delivery = worker(carrier.provider, second.provider)
  const cooldown = 'cooldown:1'
  delivery.handOver(await issue(delivery.lease, 60_000, { cooldown }))
  assert.equal((await store.limiters.acquire([cooldownLimit(cooldown)])).kind, 'throttled')
  await until(isIdle)
  assert.deepEqual(outcomes(delivery), ['one refused'])
  assert.equal(second.messages.length, 0)
  assert.equal((await store.limiters.acquire([cooldownLimit(cooldown)])).kind, 'acquired')
})

for (const kind of ['unavailable', 'throttled', 'unknown'] as const)
  test(`after "${kind}" the next provider gets the same message and code`, async () => {
    const [one, two] = [scripted('one', fail(kind)), scripted('two', accept)]
    const delivery = worker(one.provider, two.provider)
    await delivery.start()
    delivery.handOver(await issue(delivery.lease))
    await until(isIdle)
    await delivery.stop(1000)
    assert.deepEqual(outcomes(delivery), [`one ${kind}`, 'two accepted'])
    assert.equal(one.messages[0]!.id, two.messages[0]!.id)
    assert.equal(one.messages[0]!.text, two.messages[0]!.text)
  })

test('a message that may have been taken goes out once more, not again and again', async () => {
  const carrier = scripted('one', fail('unknown'))
  const delivery = worker(carrier.provider)
  await delivery.start()
  delivery.handOver(await issue(delivery.lease))
  await until(isIdle)
  await delivery.stop(1000)
  assert.equal(carrier.messages.length, 2)
})

test('a provider that asks for a pause gets no further message, and the next one takes them', async () => {
  const busy = scripted('busy', () => {
    throw new DeliveryError('throttled', '429', { retryAfterMs: 30_000 })
  })
  const calm = scripted('calm', accept)
  const delivery = worker(busy.provider, calm.provider)
  await delivery.start()
  for (let i = 0; i < 5; i++) {
    delivery.handOver(await issue(delivery.lease))
    await until(isIdle)
  }
  await delivery.stop(1000)
  assert.deepEqual([busy.messages.length, calm.messages.length], [1, 5])
})

test('a fault of a provider’s own code counts as not taken', async () => {
  const carrier = scripted('one', (_, nth) => {
    if (nth === 1) throw new TypeError('a bug')
    return { id: 'x' }
  })
  const delivery = worker(carrier.provider)
  await delivery.start()
  delivery.handOver(await issue(delivery.lease))
  await until(isIdle)
  await delivery.stop(1000)
  assert.deepEqual(outcomes(delivery), ['one unavailable', 'one accepted'])
})

test('with under 20 s of life left a failure is final', async () => {
  const carrier = scripted('one', fail('unavailable'))
  const delivery = worker(carrier.provider)
  delivery.handOver(await issue(delivery.lease, 15_000))
  await until(isIdle)
  assert.deepEqual(outcomes(delivery), ['one unavailable'])
})

test('what cannot arrive while its code lives is dropped and recorded, never sent', async () => {
  const carrier = scripted('one', accept)
  const delivery = worker(carrier.provider)
  delivery.handOver(await issue(delivery.lease, 900))
  await until(isIdle)
  assert.deepEqual(outcomes(delivery), [' expired'])
  assert.equal(delivery.dispatches[0]?.providerCode, 'no carrier had room for it in time')
  assert.equal(carrier.messages.length, 0)
})

test('a code that was used in the meantime is not sent', async () => {
  const carrier = scripted('one', accept)
  const delivery = worker(carrier.provider)
  const entry = await issue({ owner: 'gone', ms: 0 })
  assert.ok(await store.verifications.use({ id: entry.verification.id, wrong: [], consumes: true }))
  await delivery.start()
  await until(isIdle)
  await delivery.stop(1000)
  assert.equal(carrier.messages.length, 0)
  assert.deepEqual(outcomes(delivery), [' expired'])
})

test('what a dead worker held is sent by the next one of its name at once', async () => {
  const carrier = scripted('one', accept)
  const delivery = worker(carrier.provider)
  const entry = await issue({ ...delivery.lease, ms: 3_600_000 })
  await delivery.start()
  await until(isIdle)
  await delivery.stop(1000)
  assert.deepEqual(
    carrier.messages.map((message) => message.id),
    [entry.message.id],
  )
})

for (const afterCrash of ['again', 'unknown'] as const)
  test(`what a dead worker was handing over to a carrier of afterCrash ${afterCrash}`, async () => {
    // It takes the first message and never answers, as if its worker were dead.
    const carrier = scripted('one', (_, nth) => (nth === 1 ? new Promise(() => {}) : { id: `p${nth}` }))
    const router = () => routerOf([carrier.provider], afterCrash)
    const dead = workerOf(router())
    const entry = await issue(dead.lease)
    dead.handOver(entry)
    await until(() => carrier.messages.length === 1)
    const next = workerOf(router())
    await store.outbox.release(dead.lease.owner)
    await next.start()
    await until(isIdle)
    await next.stop(1000)
    const recorded = await store.dispatches.of(entry.verification.id)
    assert.deepEqual(
      recorded.map(({ provider, outcome, next }) => `${provider} ${outcome} ${next}`),
      afterCrash === 'again' ? ['one accepted done'] : ['one unknown failed'],
    )
    assert.equal(carrier.messages.length, afterCrash === 'again' ? 2 : 1)
  })

test('a carrier of afterCrash unknown is tried again after a failure as any other', async () => {
  const carrier = scripted('one', (message, nth) =>
    nth < 3 ? fail(nth === 1 ? 'unavailable' : 'unknown')() : accept(message, nth),
  )
  const delivery = workerOf(routerOf([carrier.provider], 'unknown'))
  await delivery.start()
  delivery.handOver(await issue(delivery.lease))
  await until(isIdle)
  await delivery.stop(1000)
  assert.deepEqual(outcomes(delivery), ['one unavailable', 'one unknown', 'one accepted'])
})

test('a message that cannot be marked is not handed over to a carrier that asks for marks, and waits', async () => {
  const carrier = scripted('one', accept)
  let isAway = true
  const begin: typeof store.outbox.begin = async (marks) => {
    if (isAway) throw new Error('away')
    return store.outbox.begin(marks)
  }
  const delivery = createDelivery({
    outbox: { ...store.outbox, begin },
    dispatches: store.dispatches,
    ring,
    templates,
    router: routerOf([carrier.provider], 'unknown'),
    owner: `worker-${owners++}`,
  })
  await delivery.start()
  delivery.handOver(await issue(delivery.lease))
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(carrier.messages.length, 0)
  isAway = false
  await until(isIdle)
  await delivery.stop(1000)
  assert.equal(carrier.messages.length, 1)
})

test('A-12: two thousand codes for a carrier that hangs keep no message of another waiting', async (t) => {
  const well = Promise.withResolvers<void>()
  const silent = scripted('silent', async (_, nth) => {
    await well.promise
    return { id: `s${nth}` }
  })
  const voice = scripted('voice', (_, nth) => (nth === 1 ? fail('unavailable')() : { id: `v${nth}` }))
  const plain = {
    perSecond: null,
    window: 100,
    timeoutMs: 60_000,
    cost: 0,
    senders: [],
    afterCrash: 'again',
  } as const
  const providers = [silent.provider, { ...voice.provider, channels: ['voice'] as const }]
  const delivery = workerOf(
    createRouter({
      routes: plainRoutes(providers),
      providers: new Map(providers.map((provider) => [provider.name, { provider, ...plain }])),
      measured: createMeasuredOrder(() => performance.now(), Math.random),
    }),
  )
  t.after(() => delivery.stop(1_000))
  await delivery.start()
  const entries = await Promise.all(Array.from({ length: 2_300 }, () => issue(delivery.lease)))
  for (const entry of entries) delivery.handOver(entry)
  delivery.handOver(await issue(delivery.lease, 60_000, { channel: 'voice' }))
  // Handed over at once, and again within three seconds; until then nothing of the other carrier has ended.
  await until(() => voice.messages.length === 2)
  assert.equal(silent.messages.length, 100)
  well.resolve()
  await until(isIdle)
  assert.equal(new Set(silent.messages.map(({ id }) => id)).size, 2_300)
  assert.equal(silent.messages.length, 2_300)
})

test('three workers on one queue send each message once', async () => {
  const carrier = scripted('one', async (_, nth) => {
    await new Promise((resolve) => setTimeout(resolve, 5))
    return { id: String(nth) }
  })
  const workers = [worker(carrier.provider), worker(carrier.provider), worker(carrier.provider)]
  const entries = await Promise.all(Array.from({ length: 150 }, () => issue({ owner: 'gone', ms: 0 })))
  await Promise.all(workers.map((one) => one.start()))
  await until(isIdle)
  await Promise.all(workers.map((one) => one.stop(1000)))
  const ids = carrier.messages.map((message) => message.id)
  assert.equal(ids.length, entries.length)
  assert.equal(new Set(ids).size, entries.length)
})

test('stopping waits for what is in hand', async () => {
  let isDone = false
  const carrier = scripted('one', async () => {
    await new Promise((resolve) => setTimeout(resolve, 200))
    isDone = true
    return { id: 'late' }
  })
  const delivery = worker(carrier.provider)
  delivery.handOver(await issue(delivery.lease))
  await delivery.stop(5_000)
  assert.ok(isDone)
  assert.ok(await isIdle())
})

test('a code of a key that left the ring is not sent: it could not be right', async () => {
  const carrier = scripted('one', accept)
  const delivery = worker(carrier.provider)
  const entry = await issue(delivery.lease)
  delivery.handOver({ ...entry, verification: { ...entry.verification, keyId: 'gone' } })
  await until(isIdle)
  assert.equal(carrier.messages.length, 0)
  assert.deepEqual(outcomes(delivery), ['one refused'])
})
