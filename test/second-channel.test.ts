/** A second channel through the real server: the same code by a voice call if no receipt reports delivery. */

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type InboxMessage, newNumber, paths, type Server, startServer, temporaryFolder } from './server.ts'

/** `lost` takes messages and gives no receipt for them, `kept` gives one. Both serve calls. */
function settings(folder: string): string {
  const config = join(folder, 'settings.yaml')
  writeFileSync(
    config,
    `limits: none
policy: { lifetime: { sms: 2m } }
providers:
  lost: { type: sandbox, lossRate: 1, receipts: 50ms }
  kept: { type: sandbox, receipts: 50ms }
routes:
  sms:
    - { apps: [nobody], providers: [lost], second: { channel: voice, after: 5s } }
    - { countries: [CN], providers: [lost], second: { channel: voice, after: 5s } }
    - { providers: [kept], second: { channel: voice, after: 5s } }
  voice: [kept]
  email: [kept]
`,
  )
  return config
}

async function callsTo(server: Server, contact: string): Promise<InboxMessage[]> {
  return (await server.inbox(contact)).filter((message) => message.channel === 'voice')
}

test('a code without a receipt is called out, the same code, also over a crash; one that was delivered is not', async () => {
  const folder = temporaryFolder()
  const options = { dataFolder: folder, args: ['--config', settings(folder)] }
  const silent = newNumber()
  const delivered = '+12015550123'
  const headers = { 'Accept-Language': 'en-US' }
  let token: string
  {
    await using server = await startServer(options)
    token = await server.logIn('sender')
    for (const [contact, country] of [
      [silent, 'chinaPR'],
      [delivered, 'usa'],
    ])
      assert.equal(
        (await server.call('POST', paths.send, { token, headers, body: { contact, country } })).status,
        200,
      )
    // The one receipt there is to come: a crash before it would rightly bring a call.
    for (
      let tries = 0;
      !/^countersign_receipts_total.* 1$/m.test((await server.call('GET', '/metrics')).text);
      tries++
    ) {
      assert.ok(tries < 200, 'no receipt came')
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    await server.kill()
  }
  await using server = await startServer(options)
  for (let tries = 0; (await callsTo(server, silent)).length === 0; tries++) {
    assert.ok(tries < 200, 'no call came')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const [call] = await callsTo(server, silent)
  const [, spoken = ''] = /code is: ([\d, ]+)\./.exec(call!.text) ?? []
  const verificationCode = spoken.replace(/\D/g, '')
  const answer = await server.call('PUT', paths.contact, {
    token,
    body: { contact: silent, verificationCode },
  })
  assert.equal(answer.status, 200, `${call!.text} ${answer.text}`)
  assert.deepEqual(await callsTo(server, delivered), [])
})
