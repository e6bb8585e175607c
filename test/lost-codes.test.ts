/** Codes that no carrier takes: each is counted, logged and recorded once, also those that a dead process left. */

import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { dropStore } from './engine.ts'
import { startScriptedCarrier } from './scripted-carrier.ts'
import { newNumber, paths, type Server, startServer, temporaryFolder } from './server.ts'
import { until } from './until.ts'

const lost = async (server: Server) => {
  const { text } = await server.call('GET', '/metrics')
  const found = new Map<string, number>()
  for (const [, labels, value] of text.matchAll(/^countersign_lost_codes_total\{(.*)\} (\d+)$/gm))
    found.set(labels!.replaceAll(/(\w+)="([^"]*)"/g, '$2'), Number(value))
  return found
}
const sum = (found: ReadonlyMap<string, number>) => [...found.values()].reduce((all, one) => all + one, 0)

const logged = (server: Server) =>
  server
    .output()
    .split('\n')
    .filter((line) => line.includes('"a code was given up"'))
    .map((line) => JSON.parse(line) as Record<string, string>)

const timeline = async (server: Server, address: string) => {
  const token = readFileSync(join(server.dataFolder, 'admin.token'), 'utf8').trim()
  const headers = { Authorization: `Bearer ${token}` }
  const found = await server.call('POST', '/admin/v1/verifications/search', { headers, body: { address } })
  const [{ id }] = found.json.found as [{ id: string }]
  return (await server.call('GET', `/admin/v1/verifications/${id}`, { headers })).json
}

test('with both carriers answering 500 each of 60 codes is counted, logged and told as given up, once', async () => {
  await using one = await startScriptedCarrier()
  await using two = await startScriptedCarrier()
  one.behaviour = '500'
  two.behaviour = '500'
  const dataFolder = temporaryFolder()
  const config = join(dataFolder, 'settings.yaml')
  // So short a life that there is no time for a second round.
  writeFileSync(
    config,
    `limits: none
policy: { lifetime: { sms: 10s }, countries: [CN] }
providers:
${one.settings('one')}
${two.settings('two')}
routes: { sms: [one, two] }
`,
  )
  const options = { dataFolder, args: ['--config', config] }
  const contacts = Array.from({ length: 60 }, newNumber)
  {
    await using server = await startServer(options)
    assert.equal((await lost(server)).get('sms,CN,unavailable'), 0, 'it begins at zero')
    const token = await server.logIn('lost')
    for (const contact of contacts)
      assert.equal((await server.call('POST', paths.send, { token, body: { contact } })).status, 200)
    await until(async () => sum(await lost(server)) >= contacts.length)
    assert.equal(sum(await lost(server)), contacts.length)
    assert.equal((await lost(server)).get('sms,CN,unavailable'), contacts.length)
    const lines = logged(server)
    assert.equal(new Set(lines.map((line) => line.message)).size, contacts.length)
    assert.equal(lines.length, contacts.length)
    const { country, outcome, channel } = lines[0]!
    assert.deepEqual({ country, outcome, channel }, { country: 'CN', outcome: 'unavailable', channel: 'sms' })
    const { steps } = (await timeline(server, contacts[0]!)) as { steps: Record<string, string>[] }
    assert.equal(steps.at(-1)!.event, 'given-up')
    await server.stop()
  }
  // What a process that died had in hand is lost while nobody runs, and counted by the next.
  one.behaviour = 'silence'
  two.behaviour = 'silence'
  const left = newNumber()
  {
    await using server = await startServer(options)
    const token = await server.logIn('left')
    const before = one.asked.length + two.asked.length
    assert.equal((await server.call('POST', paths.send, { token, body: { contact: left } })).status, 200)
    await until(() => one.asked.length + two.asked.length > before)
    await server.kill()
  }
  await new Promise((resolve) => setTimeout(resolve, 10_000))
  await using server = await startServer(options)
  await until(async () => sum(await lost(server)) > 0)
  assert.deepEqual(
    [...(await lost(server))].filter(([, count]) => count > 0),
    [['sms,CN,expired', 1]],
  )
  assert.equal(logged(server).length, 1)
  await server.stop()
  await dropStore(dataFolder)
  rmSync(dataFolder, { recursive: true })
})
