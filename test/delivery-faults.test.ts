/** T-5: what a bad carrier may do, and that the next one of the route has the message within three seconds. */

import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { reportFault } from './fault-report.ts'
import { type Behaviour, type ScriptedCarrier, startScriptedCarrier } from './scripted-carrier.ts'
import { newNumber, paths, type Server, startServer, temporaryFolder } from './server.ts'
import { until } from './until.ts'

type Dispatch = {
  provider: string
  outcome: string
  providerCode: string
  handedOverAt: number
  answeredAt: number
}

const mostMs = 3_000

/** A server whose route for SMS is `bad`, then `good`. */
async function start(bad: ScriptedCarrier, good: ScriptedCarrier, more = ''): Promise<Server> {
  const config = join(temporaryFolder(), 'settings.yaml')
  writeFileSync(
    config,
    `limits: none
providers:
${bad.settings('bad', more)}
${good.settings('good')}
routes: { sms: [bad, good] }
`,
  )
  return startServer({ args: ['--config', config] })
}

/** Sends a code and waits until its message is settled. */
async function sent(server: Server): Promise<{ contact: string; dispatches: Dispatch[] }> {
  const contact = newNumber()
  const token = await server.logIn('sender')
  const answer = await server.call('POST', paths.send, { token, body: { contact } })
  assert.equal(answer.status, 200, answer.text)
  const headers = {
    Authorization: `Bearer ${readFileSync(join(server.dataFolder, 'admin.token'), 'utf8').trim()}`,
  }
  const search = await server.call('POST', '/admin/v1/verifications/search', {
    headers,
    body: { address: contact },
  })
  const [{ id }] = search.json.found as [{ id: string }]
  let dispatches: (Dispatch & { next: string })[] = []
  await until(async () => {
    const { json } = await server.call('GET', `/admin/v1/verifications/${id}`, { headers })
    dispatches = json.dispatches as typeof dispatches
    return ['done', 'failed'].includes(dispatches.at(-1)?.next ?? '')
  })
  return { contact, dispatches }
}

function assertFellOver(dispatches: readonly Dispatch[], outcomes: readonly string[]): void {
  const [first, second] = dispatches
  assert.deepEqual(
    dispatches.map(({ provider }) => provider),
    ['bad', 'good'],
  )
  assert.ok(outcomes.includes(first!.outcome), `bad: ${first!.outcome} ${first!.providerCode}`)
  assert.equal(second!.outcome, 'accepted')
  const waitedMs = second!.handedOverAt - first!.handedOverAt
  assert.ok(waitedMs < mostMs, `the next carrier had it after ${waitedMs} ms`)
}

const faults: readonly (readonly [Behaviour, ...string[]])[] = [
  ['500', 'unavailable'],
  ['429', 'throttled'],
  ['garbage', 'unavailable', 'unknown'],
  ['200-with-error', 'unavailable'],
  ['reset', 'unavailable', 'unknown'],
  ['accept-and-vanish', 'unknown'],
  ['silence', 'unknown'],
  ['slow-loris', 'unknown'],
]

for (const [behaviour, ...outcomes] of faults)
  test(`T-5: after "${behaviour}" the next carrier has the message within 3 s, with the same code`, async () => {
    await using bad = await startScriptedCarrier()
    await using good = await startScriptedCarrier()
    bad.behaviour = behaviour
    await using server = await start(bad, good)
    const { contact, dispatches } = await sent(server)
    assertFellOver(dispatches, outcomes)
    assert.deepEqual(
      good.taken.map(({ to }) => to),
      [contact],
    )
    assert.equal(bad.asked[0]!.code, good.taken[0]!.code)
    assert.equal(bad.asked[0]!.id, good.taken[0]!.id, 'T-2: and the same message id')
    assert.equal(bad.asked.length, 1)
    const waitedMs = Math.round(dispatches[1]!.handedOverAt - dispatches[0]!.handedOverAt)
    const outcome = `${dispatches[0]!.outcome}; the next carrier had it after ${waitedMs} ms`
    reportFault({ promise: 'T-5', scenario: behaviour, carrier: 'http', outcome })
  })

test('T-5: the same check finds a carrier that is given ten seconds', async () => {
  await using bad = await startScriptedCarrier()
  await using good = await startScriptedCarrier()
  bad.behaviour = 'silence'
  await using server = await start(bad, good, '    timeout: 10s')
  const { dispatches } = await sent(server)
  assert.throws(() => assertFellOver(dispatches, ['unknown']), /the next carrier had it after \d+ ms/)
})

test('T-5: a permanent refusal goes to no other carrier, and the address may be asked for again at once', async () => {
  await using bad = await startScriptedCarrier()
  await using good = await startScriptedCarrier()
  bad.behaviour = 'refuse'
  const config = join(temporaryFolder(), 'settings.yaml')
  writeFileSync(
    config,
    `providers:\n${bad.settings('bad')}\n${good.settings('good')}\nroutes: { sms: [bad, good] }\n`,
  )
  await using server = await startServer({ args: ['--config', config] })
  const { contact, dispatches } = await sent(server)
  assert.deepEqual(
    dispatches.map(({ provider, outcome }) => `${provider} ${outcome}`),
    ['bad refused'],
  )
  assert.equal(good.asked.length, 0)
  const again = await server.call('POST', paths.send, {
    token: await server.logIn('sender'),
    body: { contact },
  })
  assert.equal(again.status, 200, again.text)
})

test('a send that no carrier took costs the person nothing, one that may have been taken counts', async () => {
  await using carrier = await startScriptedCarrier()
  const config = join(temporaryFolder(), 'settings.yaml')
  // So short a life leaves no time for a second try.
  writeFileSync(
    config,
    `policy: { lifetime: { sms: 19s } }\nproviders:\n${carrier.settings('carrier', '    timeout: 1s')}\nroutes: { sms: [carrier] }\n`,
  )
  await using server = await startServer({ args: ['--config', config] })
  for (const [behaviour, outcome, word] of [
    ['500', 'unavailable', undefined],
    ['silence', 'unknown', 'USG.206030004'],
  ] as const) {
    carrier.behaviour = behaviour
    const { contact, dispatches } = await sent(server)
    assert.deepEqual(
      dispatches.map((one) => one.outcome),
      [outcome],
    )
    const token = await server.logIn('sender')
    const again = await server.call('POST', paths.send, { token, body: { contact } })
    assert.equal(again.json.error_code, word, again.text)
  }
})

test('T-5: a carrier that keeps failing is left alone, and probed until it is well', async () => {
  await using bad = await startScriptedCarrier()
  await using good = await startScriptedCarrier()
  bad.behaviour = '500'
  await using server = await start(bad, good)
  for (let i = 0; i < 5; i++) await sent(server)
  const { length } = bad.asked
  await Promise.all(Array.from({ length: 20 }, () => sent(server)))
  assert.ok(
    bad.asked.length - length <= 2,
    `a failing carrier was asked ${bad.asked.length - length} times more`,
  )
  assert.equal(good.taken.length, 25)
  const metrics = (await server.call('GET', '/metrics')).text
  assert.match(metrics, /^countersign_provider_open\{provider="bad"\} 1$/m)
  const logged = (text: string) =>
    server
      .output()
      .split('\n')
      .filter((line) => line.includes(text))
      .map((line) => JSON.parse(line) as Record<string, string>)
  const { provider, reason, until: end } = logged('a carrier fails and is left alone for a while')[0]!
  assert.equal(provider, 'bad')
  assert.match(reason!, /^5 failures in a row, the last unavailable$/)
  assert.ok(Date.parse(end!) > Date.now() - 60_000)
  bad.behaviour = 'accept'
  await until(async () => {
    await sent(server)
    return bad.taken.length > 0
  })
  await until(() => logged('a carrier is well again').length > 0)
})

test('a call with receipts that is refused is counted and logged, with its carrier and the reason', async () => {
  const config = join(temporaryFolder(), 'settings.yaml')
  writeFileSync(
    config,
    `publicUrl: https://codes.example.com
providers: { tw: { type: http, carrier: twilio, accountSid: AC${'0'.repeat(32)}, authToken: t, from: '+15557122661' } }
routes: { sms: [tw] }
`,
  )
  await using server = await startServer({ args: ['--config', config] })
  for (let nth = 0; nth < 3; nth++)
    assert.equal((await server.call('POST', '/receipts/tw', { body: 'SmsSid=x' })).status, 403)
  const { text } = await server.call('GET', '/metrics')
  assert.match(text, /^countersign_receipts_total\{provider="tw",country="",state="refused"\} 3$/m)
  const lines = server
    .output()
    .split('\n')
    .filter((line) => line.includes('a call with receipts was refused'))
  assert.equal(lines.length, 1, 'once a minute')
  const { provider, reason } = JSON.parse(lines[0]!) as Record<string, string>
  assert.deepEqual([provider, reason], ['tw', 'it does not prove to come from the carrier'])
})

test('T-5: the only carrier, when it is well again, has a living code with the next try, seconds later', async () => {
  await using only = await startScriptedCarrier()
  only.behaviour = (nth) => (nth < 6 ? '500' : 'accept')
  const config = join(temporaryFolder(), 'settings.yaml')
  writeFileSync(config, `providers:\n${only.settings('only')}\nroutes: { sms: [only] }\n`)
  await using server = await startServer({ args: ['--config', config] })
  const { dispatches } = await sent(server)
  assert.equal(dispatches.at(-1)!.outcome, 'accepted')
  assert.equal(dispatches.length, 7)
  // Its breaker is open meanwhile: there is nowhere else to go. Three seconds, and what a busy machine may add.
  for (const [i, one] of dispatches.entries())
    assert.ok(one.handedOverAt - (dispatches[i - 1] ?? one).handedOverAt < 6_000)
})

test('T-5: with the first carrier hung under load nothing is lost, and nobody gets two codes', async () => {
  await using bad = await startScriptedCarrier()
  await using good = await startScriptedCarrier()
  bad.behaviour = (nth) => (['accept', 'silence', 'accept-and-vanish', '500'] as const)[nth % 4]!
  await using server = await start(bad, good)
  const token = await server.logIn('sender')
  const numbers = Array.from({ length: 60 }, newNumber)
  for (const contact of numbers)
    assert.equal((await server.call('POST', paths.send, { token, body: { contact } })).status, 200)
  const arrived = () => [...bad.taken, ...good.taken]
  await until(() => new Set(arrived().map(({ to }) => to)).size === numbers.length)
  for (const [to, messages] of Map.groupBy(arrived(), (one) => one.to)) {
    assert.equal(new Set(messages.map(({ code }) => code)).size, 1, `${to} got two codes`)
    assert.equal(new Set(messages.map(({ id }) => id)).size, 1)
    assert.ok(messages.length <= 2, 'once more at most')
  }
})
