/** Crashes, stops and a jumping clock: the promises T-1, T-2, T-3, T-7 and T-8, each by its id. */

import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { addressKey } from '../src/address/address.ts'
import { ownerName } from '../src/config/data-folder.ts'
import { settlementOf } from '../src/store/conformance/fixtures.ts'
import { run } from './cli-run.ts'
import { openStoreOf } from './engine.ts'
import { reportFault } from './fault-report.ts'
import { peerAt, requirePeer } from './peers.ts'
import { dispatchesTo } from './recorded.ts'
import { startScriptedCarrier } from './scripted-carrier.ts'
import { newNumber, paths, type Server, type ServerOptions, startServer, temporaryFolder } from './server.ts'
import { type Sink, sinkKinds, startSink } from './sinks.ts'
import { until } from './until.ts'

const killAt = join(import.meta.dirname, 'plants', 'kill-at.ts')

let folder: string
before(() => {
  folder = temporaryFolder()
})
after(() => rmSync(folder, { recursive: true, force: true }))

/** A server on a kept folder that sends by the sink. */
function start(sink: Sink, at: string, options: ServerOptions = {}): Promise<Server> {
  mkdirSync(at, { recursive: true })
  const config = join(at, 'settings.yaml')
  writeFileSync(
    config,
    `limits: none
policy: { lifetime: { sms: 5m, email: 5m } }
providers:
  sandbox: { type: sandbox }
${sink.settings}
`,
  )
  return startServer({ ...options, dataFolder: at, args: ['--config', config, ...(options.args ?? [])] })
}

/** Asks for codes until the server is gone. @returns The contacts that were answered with 200. */
async function sendUntilGone(sink: Sink, server: Server, token: string, most: number): Promise<string[]> {
  const accepted: string[] = []
  let isGone = false
  const one = async () => {
    while (!isGone && accepted.length < most) {
      const contact = sink.newContact()
      try {
        const headers = { 'Accept-Language': 'en-US' }
        const answer = await server.call('POST', paths.send, { token, headers, body: { contact } })
        if (answer.status === 200) accepted.push(contact)
      } catch {
        isGone = true
      }
    }
  }
  await Promise.all(Array.from({ length: 8 }, one))
  return accepted
}

/** Waits until nothing is on its way any more. */
async function drained(server: Server): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    const metrics = (await server.call('GET', '/metrics')).text
    if (/^countersign_outbox_messages 0$/m.test(metrics)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail('messages stayed on their way')
}

type Found = {
  readonly accepted: number
  readonly sent: number
  readonly failed: number
  readonly copies: number
}

/** Every accepted send reached the provider or is recorded as failed, and copies are the same message. */
async function assertNothingLost(sink: Sink, at: string, accepted: readonly string[]): Promise<Found> {
  const byContact = Map.groupBy(sink.arrived(), (one) => one.to)
  await using store = await openStoreOf(at)
  const failed: string[] = []
  const lost: string[] = []
  for (const contact of accepted) {
    if (byContact.has(contact)) continue
    const isRecorded = (await dispatchesTo(store, contact)).some(({ next }) => next === 'failed')
    ;(isRecorded ? failed : lost).push(contact)
  }
  assert.deepEqual(lost, [], `${lost.length} of ${accepted.length} accepted messages were lost`)
  let copies = 0
  for (const contact of accepted) {
    const messages = byContact.get(contact) ?? []
    copies += Math.max(0, messages.length - 1)
    assert.ok(new Set(messages.map(({ id }) => id)).size <= 1, 'T-2: copies have one message id')
    assert.ok(new Set(messages.map(({ code }) => code)).size <= 1, 'T-2: copies have one code')
    for (const { code } of messages) assert.match(code ?? '', /^\d{6}$/)
  }
  const sent = accepted.filter((contact) => byContact.has(contact)).length
  return { accepted: accepted.length, sent, failed: failed.length, copies }
}

function report(promise: string, scenario: string, carrier: string, found: Found): void {
  const { accepted, sent, failed, copies } = found
  const outcome = `${accepted} accepted, ${sent} sent, ${failed} recorded as failed, 0 lost; ${copies} copies, each with the same code and id`
  reportFault({ promise, scenario, carrier, outcome })
}

for (const kind of sinkKinds)
  describe(`by ${kind}`, () => {
    for (const point of ['after-commit', 'after-claim', 'after-accept', 'before-settle'])
      test(`T-1, T-2: killed ${point.replace('-', ' ')}, no accepted message is lost`, async () => {
        await using sink = await startSink(kind)
        const at = join(folder, `${kind}-${point}`)
        const accepted: string[] = []
        {
          await using server = await start(sink, at, { imports: [killAt], env: { KILL_AT: `${point}:25` } })
          accepted.push(...(await sendUntilGone(sink, server, await server.logIn('sender'), 200)))
          await server.ended()
          assert.equal(server.process.signalCode, 'SIGKILL', 'it died at the point')
        }
        await using server = await start(sink, at)
        await drained(server)
        assert.ok(accepted.length > 0)
        report(
          'T-1, T-2',
          `SIGKILL ${point.replace('-', ' ')}`,
          kind,
          await assertNothingLost(sink, at, accepted),
        )
      })

    test('T-1, T-2: killed at random moments, no accepted message is lost', {
      timeout: 7_200_000,
    }, async (t) => {
      const kills = Math.ceil(Number(process.env.COUNTERSIGN_FAULT_KILLS ?? 12) / sinkKinds.length)
      let seed = Number(process.env.COUNTERSIGN_FAULT_SEED ?? 20_261_124)
      // Numerical Recipes' generator: the moments can be drawn again by the seed.
      const random = () => {
        seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
        return seed / 2 ** 32
      }
      await using sink = await startSink(kind)
      const at = join(folder, `${kind}-random`)
      const accepted: string[] = []
      for (let i = 0; i < kills; i++) {
        await using server = await start(sink, at)
        const token = await server.logIn('sender')
        const sending = sendUntilGone(sink, server, token, 2_000)
        await new Promise((resolve) => setTimeout(resolve, random() * 250))
        await server.kill()
        accepted.push(...(await sending))
      }
      await using server = await start(sink, at)
      await drained(server)
      const found = await assertNothingLost(sink, at, accepted)
      report('T-1, T-2', `${kills} SIGKILLs at random moments`, kind, found)
      t.diagnostic(`${kills} kills, ${JSON.stringify(found)}`)
    })
  })

for (const afterCrash of ['again', 'unknown'] as const)
  test(`T-1, T-2: killed with messages at a carrier of afterCrash ${afterCrash}, ${
    afterCrash === 'again' ? 'those go out once more' : 'none goes out twice, and each is recorded'
  }`, async () => {
    await using carrier = await startScriptedCarrier()
    carrier.behaviour = 'accept-slowly'
    carrier.delayMs = 300
    const sink = {
      arrived: () => carrier.asked,
      settings: `${carrier.settings('carrier', `    afterCrash: ${afterCrash}`)}\nroutes: { sms: [carrier], email: [sandbox] }`,
      newContact: newNumber,
      [Symbol.asyncDispose]: async () => {},
    }
    const at = join(folder, `crash-${afterCrash}`)
    const accepted: string[] = []
    {
      await using server = await start(sink, at)
      const sending = sendUntilGone(sink, server, await server.logIn('sender'), 50)
      await until(() => carrier.asked.length >= 10)
      await server.kill()
      accepted.push(...(await sending))
    }
    await using server = await start(sink, at)
    await drained(server)
    const found = await assertNothingLost(sink, at, accepted)
    if (afterCrash === 'again') {
      assert.ok(found.copies > 0, 'the same check finds copies')
      return
    }
    assert.equal(found.copies, 0)
    const ends: string[] = []
    let cutOff = ''
    {
      await using store = await openStoreOf(at)
      for (const contact of accepted) {
        const [only, ...more] = await dispatchesTo(store, contact)
        assert.deepEqual(more, [])
        ends.push(`${only!.outcome} ${only!.next}`)
        const isAsked = carrier.asked.some(({ to }) => to === contact)
        if (only!.outcome === 'unknown' && isAsked) cutOff = contact
      }
    }
    assert.ok(
      ends.every((end) => end === 'accepted done' || end === 'unknown failed'),
      String(ends),
    )
    // Whoever waits for it asks again, and gets the same code.
    const token = await server.logIn('sender')
    const answer = await server.call('POST', paths.send, { token, body: { contact: cutOff } })
    assert.equal(answer.status, 200, answer.text)
    const codesOf = () => carrier.asked.filter(({ to }) => to === cutOff).map(({ code }) => code)
    await until(() => codesOf().length === 2)
    assert.equal(new Set(codesOf()).size, 1)
    const unknown = ends.filter((end) => end === 'unknown failed').length
    const outcome = `${accepted.length} accepted, ${accepted.length - unknown} sent, ${unknown} at the carrier as it died, recorded as unknown; 0 copies`
    reportFault({ promise: 'T-1, T-2', scenario: 'SIGKILL, afterCrash: unknown', carrier: 'http', outcome })
  })

test('T-1: without an outbox the same check finds losses', async () => {
  // The planted fault: accepted messages that were never handed over and are off the queue all the same.
  await using sink = await startSink('smtp')
  const at = join(folder, 'planted')
  const accepted: string[] = []
  {
    await using server = await start(sink, at, { imports: [killAt], env: { KILL_AT: 'after-commit:7' } })
    accepted.push(...(await sendUntilGone(sink, server, await server.logIn('sender'), 200)))
  }
  const taken = await takeAll(at)
  await using server = await start(sink, at)
  await drained(server)
  assert.ok(taken > 0)
  const unsent = sink.newContact() // stands for one of those taken, should all the others have been answered for
  await assert.rejects(assertNothingLost(sink, at, [...accepted, unsent]), /were lost/)
})

/** Takes every message off the queue as if it were done. @returns How many. */
async function takeAll(at: string): Promise<number> {
  await using store = await openStoreOf(at)
  await store.outbox.release(ownerName(at))
  let taken = 0
  for (;;) {
    const entries = await store.outbox.claim(100, { owner: 'thief', ms: 60_000 })
    if (entries.length === 0) return taken
    await store.outbox.settle(entries.map((entry) => settlementOf(entry, { kind: 'done' })))
    taken += entries.length
  }
}

test('T-3: killed after the winning commit, the same call gets its answer and no other does', async () => {
  await using sink = await startSink('smtp')
  const at = join(folder, 'winner')
  const contact = newNumber()
  const ask = (server: Server, token: string, id: string, verificationCode: string) =>
    server.call('POST', paths.verify, {
      token,
      headers: { 'X-Request-Id': id },
      body: { contact, verificationCode },
    })
  let token: string
  let code: string
  {
    await using server = await start(sink, at)
    token = await server.logIn('winner')
    await server.call('POST', paths.send, { token, body: { contact } })
    const body = { contact, verificationCode: await server.codeFor(contact) }
    assert.equal((await server.call('PUT', paths.contact, { token, body })).status, 200)
    await server.stop()
  }
  {
    await using server = await start(sink, at, { imports: [killAt], env: { KILL_AT: 'after-use:1' } })
    await server.call('POST', paths.send, { token, body: { contact } })
    code = await server.codeFor(contact)
    await assert.rejects(ask(server, token, 'first', code), 'the answer is lost')
  }
  await using server = await start(sink, at)
  assert.equal((await ask(server, token, 'second', code)).json.error_code, 'USG.206030001')
  assert.equal((await ask(server, token, 'first', code)).status, 200)
  const outcome = 'the same call gets its answer again, any other is refused'
  reportFault({ promise: 'T-3', scenario: 'SIGKILL after the winning commit', carrier: '', outcome })
})

test('T-7: told to stop under load, it turns unready first and drops nothing it accepted', async () => {
  // A drain of seconds: on a busy machine the look at readiness takes its time.
  await using sink = await startSink('smpp')
  const at = join(folder, 'stopped')
  const accepted: string[] = []
  {
    await using server = await start(sink, at, { env: { COUNTERSIGN_DRAIN: '3s' } })
    const sending = sendUntilGone(sink, server, await server.logIn('sender'), 100_000)
    await new Promise((resolve) => setTimeout(resolve, 300))
    const readiness: number[] = []
    const watching = (async () => {
      for (;;)
        try {
          readiness.push((await server.call('GET', '/readyz')).status)
        } catch {
          return
        }
    })()
    assert.equal(await server.stop(), 0)
    await watching
    accepted.push(...(await sending))
    assert.ok(readiness.includes(503), 'unready was seen before the end')
    assert.ok(readiness.lastIndexOf(200) < readiness.indexOf(503), 'and it never turned ready again')
  }
  await using server = await start(sink, at)
  await drained(server)
  assert.ok(accepted.length > 50)
  report('T-7', 'SIGTERM under load', 'smpp', await assertNothingLost(sink, at, accepted))
})

const fakeTimeLibrary = ['x86_64', 'aarch64'].map(
  (machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketime.so.1`,
)

describe('T-8: the wall clock', requirePeer('faketime (apt-get install faketime)', fakeTimeLibrary), () => {
  test('jumping an hour either way, at run time or over a restart, lengthens no life and allows no reuse', async () => {
    const dataFolder = temporaryFolder()
    const clock = join(dataFolder, 'clock')
    const set = (offset: string) => writeFileSync(clock, offset)
    set('+0')
    const options: ServerOptions = {
      dataFolder,
      args: ['--limits', 'none'],
      env: {
        LD_PRELOAD: peerAt(fakeTimeLibrary) ?? '',
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_NO_CACHE: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        COUNTERSIGN_POLICY_LIFETIME_SMS: '10s',
      },
    }
    const verify = async (server: Server, token: string, contact: string, verificationCode: string) => {
      const answer = await server.call('POST', paths.verify, { token, body: { contact, verificationCode } })
      return answer.status === 200 ? 'accepted' : answer.json.error_code
    }
    const [early, back, forward, over] = [newNumber(), newNumber(), newNumber(), newNumber()]
    let token: string
    const codes: Record<string, string> = {}
    {
      await using server = await startServer(options)
      token = await server.logIn('traveller')
      for (const contact of [early, back, forward, over]) {
        await server.call('POST', paths.send, { token, body: { contact } })
        codes[contact] = await server.codeFor(contact)
      }
      set('+3600')
      assert.equal(
        await verify(server, token, forward, codes[forward]!),
        'accepted',
        'an hour ahead: still alive',
      )
      set('-3600')
      assert.equal(await verify(server, token, early, codes[early]!), 'accepted')
      await new Promise((resolve) => setTimeout(resolve, 10_500))
      assert.equal(
        await verify(server, token, back, codes[back]!),
        'USG.206030001',
        'an hour back: over all the same',
      )
      await server.stop()
    }
    await using server = await startServer(options)
    token = await server.logIn('traveller')
    assert.equal(
      await verify(server, token, over, codes[over]!),
      'USG.206030001',
      'nor does a restart in the past revive it',
    )
    rmSync(dataFolder, { recursive: true, force: true })
  })
})

test('a recovery outlives the server: killed before it is due, and killed when it was just applied', async () => {
  await using sink = await startSink('smtp')
  const at = join(folder, 'recovered')
  const own = sink.newContact()
  const [first, second] = [sink.newContact(), sink.newContact()]
  const member = async () => {
    await using store = await openStoreOf(at)
    const [tenant] = await store.directory.tenants()
    return { of: tenant!.id, ...(await store.directory.memberByAccount(tenant!.id, 'recovered'))! }
  }
  const beside = async (server: Server, args: readonly string[], wait: string) => {
    const env = { ...server.env, COUNTERSIGN_UNDO_RECOVERY_WAIT: wait }
    const { code, err } = await run(['member', ...args, '--tenant', (await member()).of, '--data', at], {
      env,
    })
    assert.equal(code, 0, err)
  }
  {
    await using server = await start(sink, at)
    await beside(server, ['add', '--account', 'recovered', '--email', own, '--no-password'], '1s')
    await beside(server, ['recover', 'recovered', '--email', first], '3s')
    await server.kill()
  }
  const mailboxOf = async () => (await member()).email
  {
    await using server = await start(sink, at, { imports: [killAt], env: { KILL_AT: 'after-recovery:1' } })
    // Killed as soon as it has committed.
    await until(async () => addressKey((await mailboxOf())!) === `mailto:${first}`)
    await until(async () => {
      try {
        await server.call('GET', '/livez')
        return false
      } catch {
        return true
      }
    })
  }
  await using server = await start(sink, at)
  await drained(server)
  await beside(server, ['recover', 'recovered', '--email', second], '1s')
  await until(async () => addressKey((await mailboxOf())!) === `mailto:${second}`)
  await drained(server)
  await using store = await openStoreOf(at)
  const { id } = await member()
  const changes = await store.journal.read({ sinceMs: 0, most: 1000, kind: 'contact-changed' })
  assert.equal(changes.filter(({ member: of }) => of === id).length, 2, 'each was applied once')
  // The notice of its start, and that of the change.
  const notices = sink.arrived().filter(({ to }) => to === own)
  assert.equal(new Set(notices.map(({ id: of }) => of)).size, 2)
  const outcome = 'the recovery was applied once, and its notice sent'
  reportFault({ promise: 'T-1', scenario: 'SIGKILL before and after a recovery', carrier: '', outcome })
})
