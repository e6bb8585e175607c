/** The client as npm packs it against the built server, on each platform that it promises. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { solveChallenge } from 'altcha-lib/v1'
import { Webhook } from 'standardwebhooks'
import type { CountersignError } from '../client/src/index.ts'
import { TestClient } from '../client/src/testing.ts'
import { type Api, apiWith } from './api.ts'
import { launchChromium, withChromium } from './chromium.ts'
import { type ClientLine, startClientLine } from './client-line.ts'
import { type ClientPackage, packClient } from './client-package.ts'
import { engine } from './engine.ts'
import { peerAt, requirePeer } from './peers.ts'
import { newNumber, type Server, startServer } from './server.ts'
import { until } from './until.ts'
import { startWebhookReceiver } from './webhook-receiver.ts'

const run = promisify(execFile)
const root = join(import.meta.dirname, '..')
const pages = { COUNTERSIGN_POLICY_PAGES_RETURN_URLS: 'http://127.0.0.1/' }
const exercise = join(root, 'client', 'test', 'exercise.js')
const olderNode = (major: number) =>
  ['x64', 'arm64'].map((cpu) =>
    join(root, 'client', 'test', 'nodes', 'node_modules', `node-${major}-${cpu}`, 'bin', 'node'),
  )
const nodes = [
  ['Node 20', olderNode(20)],
  ['Node 22', olderNode(22)],
  ['the Node of the lock file', [process.execPath]],
] as const

let server: Server
let client: ClientPackage
let line: ClientLine
let api: Api
let reader: Api

before(async () => {
  ;[server, client] = await Promise.all([startServer({ env: pages }), packClient()])
  api = await apiWith(server, '--test')
  reader = await apiWith(server, '--scope', 'events:read', 'admin')
  await isRead()
  const texts = client.files.filter((path) => path.endsWith('.js'))
  const script = (path: string) => ({ type: 'text/javascript', text: readFileSync(path, 'utf8') })
  line = await startClientLine(server.http, {
    '/': { type: 'text/html', text: '<!doctype html><title>client</title>' },
    '/exercise.js': script(exercise),
    ...Object.fromEntries(texts.map((path) => [`/client/${path}`, script(join(client.folder, path))])),
  })
  cpSync(exercise, join(client.project, 'exercise.js'))
  writeFileSync(join(client.project, 'package.json'), '{"type":"module"}')
  writeFileSync(
    join(client.project, 'run.js'),
    `import * as client from '@countersign/client'
import * as testing from '@countersign/client/testing'
import { exercise } from './exercise.js'
console.log(JSON.stringify(await exercise({ ...client, ...testing }, JSON.parse(process.env.GIVEN))))
`,
  )
})
after(async () => {
  await line?.[Symbol.asyncDispose]()
  client?.[Symbol.dispose]()
  await server?.[Symbol.asyncDispose]()
})

/** The server has noticed that there is a reader of events, without which it writes none. */
const isRead = () =>
  until(async () => {
    await api.start(newNumber())
    await sleep(200)
    const { events } = (await reader.get('/events')).json as { events: unknown[] }
    return events.length > 0
  })

const inboxOf = (url: string) => `${url}/inbox?key=${server.inboxKey}`

/** The same on each platform, with an address of its own. */
function given() {
  return {
    url: line.url,
    lossyUrl: line.lossyUrl,
    issuer: server.http,
    key: api.key,
    eventsKey: reader.key,
    inbox: inboxOf(line.url),
    app: server.app.id,
    to: newNumber(),
    subject: 'u_42',
    webhooks: [byTheLibrary(), byPublicKey()],
  }
}

const body = JSON.stringify({ id: 'evt_1', type: 'verification.used', data: {} })

function byTheLibrary() {
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  const at = new Date()
  const headers = {
    'webhook-id': 'msg_1',
    'webhook-timestamp': `${Math.floor(at.getTime() / 1000)}`,
    'webhook-signature': new Webhook(secret).sign('msg_1', at, body),
  }
  return { headers, body, secret }
}

function byPublicKey() {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32)
  const at = `${Math.floor(Date.now() / 1000)}`
  const signature = sign(null, Buffer.from(`msg_2.${at}.${body}`), privateKey).toString('base64')
  const headers = { 'webhook-id': 'msg_2', 'webhook-timestamp': at, 'webhook-signature': `v1a,${signature}` }
  return { headers, body, secret: `whpk_${raw.toString('base64')}` }
}

/** Two calls went over the lossy line: each arrived twice, and a third try met a server in trouble. */
function lost(before: ClientLine['tries']): void {
  const { made, arrived } = line.tries
  assert.ok(made - before.made >= 6 && arrived - before.arrived >= 4, JSON.stringify(line.tries))
}

const expected = {
  code: 6,
  wrong: ['refused', 'wrong', 4],
  right: 'verified',
  again: ['refused', 'used'],
  claims: [true, 'u_42'],
  elsewhere: ['proof', 0],
  state: 'used',
  events: ['created', 'refused', 'sent', 'used'].map((one) => `verification.${one}`),
  aborted: 'stopped',
  received: ['evt_1', 'evt_1'],
  forged: ['webhook', 0],
  unknown: ['not-found', 404],
  refused: ['address-invalid', 422],
  stranger: ['unauthenticated', 401],
}

for (const [name, paths] of nodes)
  test(`in ${name} the client does all that it promises, over a line that loses answers`, {
    ...requirePeer(`${name} (npm ci --prefix client/test/nodes)`, paths),
  }, async () => {
    const before = { ...line.tries }
    const env = { ...process.env, GIVEN: JSON.stringify(given()) }
    const { stdout } = await run(peerAt(paths)!, ['run.js'], { cwd: client.project, env })
    assert.deepEqual(JSON.parse(stdout), expected)
    lost(before)
  })

test(
  'in a browser the client does all that it promises, over a line that loses answers',
  withChromium,
  async () => {
    const browser = await launchChromium()
    try {
      const before = { ...line.tries }
      const page = await browser.newPage()
      await page.goto(line.url)
      const told = await page.evaluate(
        `(async (given) => {
        const modules = await Promise.all(['/client/dist/index.js', '/client/dist/testing.js', '/exercise.js'].map((path) => import(path)))
        const lib = Object.assign({}, ...modules)
        return lib.exercise(lib, given)
      })(${JSON.stringify(given())})`,
      )
      assert.deepEqual(told, expected)
      lost(before)
    } finally {
      await browser.close()
    }
  },
)

const typed = () => new TestClient({ url: server.http, key: api.key, inbox: inboxOf(server.http) })
const errorOf = (act: Promise<unknown>) =>
  act.then(
    () => assert.fail('it did not throw'),
    (error: CountersignError) => error,
  )

test('a verification is held, solved, sent, cancelled and read by the client', async () => {
  const client = typed()
  const { verifications } = client
  const to = newNumber()
  const held = await verifications.start({ to, subject: 'u_7', test: { risk: 'challenge' } })
  assert.equal(held.state, 'held')
  const { salt, challenge, max, ...rest } = held.challenge!.kinds[0]!
  const { number } = (await solveChallenge(challenge, salt, 'SHA-256', max).promise)!
  const solution = Buffer.from(JSON.stringify({ ...rest, salt, challenge, number })).toString('base64')
  assert.equal((await verifications.challenge(held.id, solution)).state, 'live')
  const soon = await errorOf(verifications.send(held.id))
  assert.deepEqual([soon.type, soon.status], ['rate-limited', 429])
  assert.ok(soon.retryAfterS! > 10)
  assert.equal((await verifications.get(held.id)).dispatches, 1)
  assert.deepEqual(
    (await verifications.timeline(held.id)).dispatches.map(({ channel }) => channel),
    ['sms'],
  )
  assert.equal((await verifications.cancel(held.id)).state, 'cancelled')
  const after = await verifications.check(held.id, await client.codeFor(to))
  assert.deepEqual([after.result, after.result === 'refused' && after.reason], ['refused', 'cancelled'])
  const { limits } = await client.limits({ subject: 'u_7' })
  assert.ok(limits.some(({ limit }) => limit === 'subject'))
})

test('a proof is consumed once, and by the client that consumed it again if its answer was lost', async () => {
  const client = typed()
  const to = newNumber()
  const { id } = await client.verifications.start({ to })
  const verified = await client.verifications.check(id, await client.codeFor(to))
  const proof = verified.result === 'verified' ? verified.proof! : assert.fail(verified.reason)
  assert.equal((await client.withOptions({ url: line.lossyUrl }).proofs.consume(proof)).result, 'valid')
  assert.deepEqual(await client.proofs.consume(proof), { result: 'refused', reason: 'consumed' })
})

test('a session of the hosted page is made by the client, and only its own result is redeemed', async () => {
  const { sessions } = typed()
  const made = await sessions.create({ return_url: 'http://127.0.0.1/done', subject: 'u_7' })
  assert.ok(made.url.startsWith(`${server.http}/verify/`))
  assert.ok((await errorOf(sessions.redeem('result'))).status >= 400)
})

test('what the server posts is verified by the client, by each secret while they change and by the public key', async () => {
  const client = typed().withOptions({ key: reader.key })
  await using receiver = await startWebhookReceiver()
  const made = await client.webhooks.create({ url: `${receiver.url}/hook`, asymmetric: true })
  const trial = await client.webhooks.test(made.id)
  assert.deepEqual([trial.delivered, trial.status], [true, 204])
  const rotated = await client.webhooks.update(made.id, { secret: 'rotate' })
  const { id } = await typed().verifications.start({ to: newNumber(), metadata: { cart: '7' } })
  const posted = await until(() => receiver.posted.find((one) => one.verification === id))
  for (const secret of [made.secret, rotated.secret!, made.public_key!]) {
    const event = await client.webhooks.verify(posted, secret)
    assert.deepEqual([event.type, event.data.verification], ['verification.created', id])
  }
  const before = { ...posted, headers: { ...posted.headers, 'webhook-timestamp': '1700000000' } }
  assert.equal((await errorOf(client.webhooks.verify(before, made.secret))).type, 'webhook')

  const event = `${posted.headers['webhook-id']}`
  const log = await until(async () => {
    const { deliveries } = await client.webhooks.deliveries(made.id)
    return deliveries.find((one) => one.event === event && one.state === 'delivered')
  })
  assert.equal(log.status, 204)
  await client.webhooks.replay(made.id, event)
  await until(() => receiver.posted.filter((one) => one.headers['webhook-id'] === event).length > 1)
  assert.ok((await client.webhooks.list()).webhooks.some((one) => one.id === made.id))
  await client.webhooks.delete(made.id)
  assert.equal((await errorOf(client.webhooks.get(made.id))).type, 'not-found')
})

const withHasten = engine.startsWith('redis') ? { skip: 'Redis sends no step before its time yet' } : {}

test('the client sends by the next step of a plan', withHasten, async () => {
  const { verifications } = typed()
  const plan = [
    { channel: 'sms', after_s: 0 },
    { channel: 'voice', after_s: 200 },
  ] as const
  const { id } = await verifications.start({ to: newNumber(), code: { life_s: 300 }, plan: [...plan] })
  // A step waits once the message before it has been handed over.
  await until(async () => (await verifications.get(id)).dispatches === 1)
  assert.equal((await verifications.next(id)).sent_by, 'voice')
})

test('the client finds a verification by its subject and by its address', async () => {
  const { verifications } = typed()
  const to = newNumber()
  const subject = `u_${to}`
  const { id } = await verifications.start({ to, subject })
  for (const page of [await verifications.list({ subject }), await verifications.search({ to })])
    assert.deepEqual(
      page.verifications.map((one) => one.id),
      [id],
    )
})
