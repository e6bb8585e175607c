/** The program with a carrier by SMPP: a code goes out and is used, a stop unbinds, and doctor takes no receipts away. */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { storeEnv } from '../engine.ts'
import { bin, newNumber, paths, startServer, temporaryFolder } from '../server.ts'
import { until } from '../until.ts'
import { startFakeSmsc } from './fake-smsc.ts'

test('a code asked for over HTTP arrives by SMPP, also after a storm of 0x58, and proves its number', async (t) => {
  await using smsc = await startFakeSmsc()
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const config = join(folder, 'settings.yaml')
  writeFileSync(
    config,
    `providers:
  carrier: { type: smpp, host: 127.0.0.1, port: ${smsc.port}, security: none, systemId: esme, password: secret, sender: Acme }
`,
  )
  await using server = await startServer({ dataFolder: folder, args: ['--config', config] })
  smsc.script.answer = (_, n) => (n < 2 ? { status: 0x58 } : {})
  const token = await server.logIn('li.na')
  const contact = newNumber()
  assert.equal((await server.call('POST', paths.send, { token, body: { contact } })).status, 200)
  await until(() => smsc.submits.some(({ status }) => status === 0))
  const [taken] = smsc.submits.filter(({ status }) => status === 0)
  assert.equal(taken?.to, contact)
  assert.match(taken.text, /^【会议服务】您的验证码是 \d{6}，/)
  assert.match(taken.pdu.body.validityPeriod, /^0000000000[45]\d000R$/)
  // Throttled twice, by each bind or by one: always the same code.
  assert.deepEqual(new Set(smsc.submits.map(({ code }) => code)), new Set([taken.code]))
  const verified = await server.call('POST', paths.verify, {
    token,
    body: { contact, verificationCode: taken.code },
  })
  assert.equal(verified.status, 200, verified.text)
  // Receipts as carriers write them: without the bits of esm_class, in other words, and one that cannot be read.
  const told = [
    { shortMessage: Buffer.from(`id:${taken.messageId}  stat:DELIVERED\terr:0`) },
    { esmClass: 4, shortMessage: Buffer.from(`${contact} has got 012345`) },
  ]
  for (const one of told) assert.equal((await smsc.deliver(one)).status, 0)
  const metrics = (await server.call('GET', '/metrics')).text
  assert.match(
    metrics,
    /^countersign_receipts_total\{provider="carrier",country="\w\w",state="delivered"\} 1$/m,
  )
  assert.match(metrics, /^countersign_receipts_total\{provider="carrier",country="",state="unread"\} 1$/m)
  assert.equal(await server.stop(), 0)
  const lines = server
    .output()
    .split('\n')
    .filter((line) => line.includes('a receipt could not be read'))
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).reason),
    [`esm_class 0x4 +${'9'.repeat(contact.length - 1)} aaa aaa 999999`],
  )
  assert.equal(smsc.counts.unbind, 2)
  assert.deepEqual(smsc.complaints, [])
})

test('a receipt that reaches the binds of doctor is not taken from the server', async (t) => {
  await using smsc = await startFakeSmsc()
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const config = join(folder, 'settings.yaml')
  writeFileSync(
    config,
    `providers:
  carrier: { type: smpp, host: 127.0.0.1, port: ${smsc.port}, security: none, systemId: esme, password: secret, binds: 1 }
`,
  )
  // Told in one segment with the answer to the bind: doctor does not stay long.
  smsc.script.cut = 'merged'
  const receipt = { esmClass: 4, shortMessage: Buffer.from('id:9 stat:DELIVRD err:000') }
  const doctor = spawn(process.execPath, [bin, 'doctor', '--dev', '--config', config, '--data', folder], {
    env: { ...process.env, ...(await storeEnv(folder)) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  doctor.stdout.on('data', (chunk) => {
    printed += chunk
  })
  const ended = once(doctor, 'exit')
  let told: Promise<number> | undefined
  smsc.script.bindStatus = () => {
    queueMicrotask(() => {
      told = smsc.deliver(receipt).then(({ status }) => status)
    })
    return 0
  }
  const [code] = await ended
  assert.equal(code, 0, printed)
  assert.match(printed, /good +providers +credentials taken by carrier/)
  assert.equal(await told, 0x64)
})
