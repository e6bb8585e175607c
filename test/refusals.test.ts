/** Refusals: each is in the log and in the journal, and is found by the address. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { bin, newNumber, paths, startServer } from './server.ts'
import { until } from './until.ts'

const run = promisify(execFile)

test('"why can she get no code" has an answer: refusals are found by the address, and hold it nowhere', async () => {
  await using server = await startServer({ env: { COUNTERSIGN_POLICY_COUNTRIES: 'CN' } })
  const token = await server.logIn('she')
  const contact = newNumber()
  const send = (to: string) => server.call('POST', paths.send, { token, body: { contact: to } })
  assert.equal((await send(contact)).status, 200)
  await server.codeFor(contact)
  assert.notEqual((await send(contact)).status, 200, 'too soon')
  const abroad = '+447400123456'
  const unreachable = await server.call('POST', paths.send, {
    token,
    body: { contact: abroad, country: 'UK' },
  })
  assert.notEqual(unreachable.status, 200)
  const wrong = await server.call('POST', paths.verify, {
    token,
    body: { contact, verificationCode: '000000' },
  })
  assert.notEqual(wrong.status, 200)

  const find = async (...args: string[]) => {
    const all = ['verification', 'find', ...args, '--data', server.dataFolder]
    return (await run(process.execPath, [bin, ...all], { env: { ...process.env, ...server.env } })).stdout
  }
  const refusals = async (address: string) =>
    (await find(address, '--json'))
      .split('\n')
      .filter((line) => line.includes('"reason"'))
      .map((line) => JSON.parse(line) as Record<string, string>)
  const [wrongCode, tooSoon] = await until(async () => {
    const found = await refusals(contact)
    return found.length === 2 && found
  })
  assert.deepEqual(
    [wrongCode!.act, wrongCode!.reason, wrongCode!.verification !== ''],
    ['verify', 'wrong', true],
  )
  assert.deepEqual([tooSoon!.act, tooSoon!.reason, tooSoon!.rule], ['send', 'throttled', 'gaps'])
  const [elsewhere] = await refusals(abroad)
  assert.deepEqual([elsewhere!.act, elsewhere!.reason], ['send', 'unreachable'])
  assert.match(
    await find(contact),
    /^refused {2}\S+ {2}send {4}throttled by \S+ \(gaps\) {2}member \w+ {2}app \w+$/m,
  )

  const lines = server
    .output()
    .split('\n')
    .filter((line) => /a (send|code) was refused/.test(line))
  assert.equal(lines.length, 3)
  const throttled = JSON.parse(lines[0]!) as Record<string, string>
  assert.deepEqual([throttled.outcome, throttled.rule], ['throttled', 'gaps'])
  assert.ok(throttled.member && throttled.app && throttled.scope)
  for (const number of [contact, abroad]) assert.ok(!server.output().includes(number.slice(3)))
})
