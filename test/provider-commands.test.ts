/** `countersign provider …` as an operator runs it. */

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runCli } from '../src/cli/cli.ts'
import { listening } from './http-carrier.ts'
import { startScriptedCarrier } from './scripted-carrier.ts'
import { startFakeSmsc } from './smpp/fake-smsc.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-provider-'))
after(() => rmSync(folder, { recursive: true }))
const config = join(folder, 'settings.yaml')

const run = (yaml: string, ...args: string[]) => runCommand(yaml, 'provider', ...args)

async function runCommand(yaml: string, ...args: string[]) {
  writeFileSync(config, `data: ${folder}\n${yaml}`)
  const out: string[] = []
  const err: string[] = []
  const code = await runCli([...args, '--config', config], {
    env: {},
    out: (text) => out.push(text),
    err: (text) => err.push(text),
    readInput: async () => new Uint8Array(),
    onStop() {},
  })
  return { code, out: out.join('\n'), err: err.join('\n') }
}

const plan = `providers:
  a: { type: sandbox, receipts: 1s, senders: [{ sender: '+15550100', countries: [US] }, { sender: Shop }] }
  b: { type: sandbox, cost: 0.02 }
policy: { countries: [CN, US], lifetime: { sms: 2m } }
routes:
  sms:
    - { countries: [US], providers: [a], second: { channel: voice, after: 20s } }
    - { apps: [kiosk], providers: [b] }
    - { providers: [b, a] }
`

test('list tells each carrier with its channels and routes, and with --check which is away', async () => {
  const { code, out } = await run(plan, 'list')
  assert.equal(code, 0)
  assert.match(
    out,
    /^a +sandbox +sms, email, voice, whatsapp +routes\.sms\.0 \(US\), routes\.sms\.2, routes\.email/m,
  )
  const away = `providers:\n  m: { type: smtp, host: 127.0.0.1, port: 1, security: none, from: { address: a@example.com } }\n`
  const checked = await run(away, 'list', '--check')
  assert.equal(checked.code, 1)
  assert.match(checked.out, /^m +smtp +email +AWAY: /m)
})

test('explain tells which route takes an address, why others do not, and what each carrier would be handed', async () => {
  const cn = await run(plan, 'explain', '+8613800138000')
  assert.equal(cn.code, 0)
  assert.match(cn.out, /^\+86138\*\*\*\*8000: sms, CN$/m)
  assert.match(cn.out, /no +routes\.sms\.0: CN is not among US/)
  assert.match(cn.out, /no +routes\.sms\.1: is for app kiosk/)
  assert.match(cn.out, /takes it +routes\.sms\.2/)
  assert.match(cn.out, /^ {2}b +time-out 2500 ms, sender the carrier's own, cost 0\.02$/m)
  assert.match(cn.out, /^ {2}a +time-out 10000 ms, sender Shop$/m)
  const kiosk = JSON.parse((await run(plan, 'explain', '+8613800138000', '--app', 'kiosk', '--json')).out)
  assert.equal(kiosk.route.name, 'routes.sms.1')
  const us = await run(plan, 'explain', '+12015550123')
  assert.match(us.out, /sender \+15550100/)
  assert.match(us.out, /without a receipt that says delivered within 20 s: voice/)
})

test('explain says where nothing goes, and what is no address', async () => {
  const hk = await run(plan, 'explain', '+85251234567')
  assert.equal(hk.code, 1)
  assert.match(hk.out, /policy\.countries does not allow HK/)
  const none = await run(plan, 'explain', '12345')
  assert.equal(none.code, 2)
  assert.match(none.err, /no mobile number/)
  assert.match(
    (await run(plan, 'explain', 'li@example.com', '--channel', 'sms')).err,
    /sms does not reach a mailbox/,
  )
})

test('test sends by the route, tells each step in the carrier’s own words, and goes on as a real code would', async () => {
  await using bad = await startScriptedCarrier()
  await using good = await startScriptedCarrier()
  const yaml = `providers:\n${bad.settings('bad')}\n${good.settings('good')}\nroutes: { sms: [bad, good] }\n`
  bad.behaviour = '200-with-error'
  const told = await run(yaml, 'test', '+8613800138000')
  assert.equal(told.code, 0, told.out + told.err)
  assert.match(told.out, /^bad: handed over, at most 2500 ms$/m)
  assert.match(told.out, /^bad: unavailable after \d+ ms: .*no balance/m)
  assert.match(told.out, /^good: accepted after \d+ ms, id c-[0-9a-f]{32}$/m)
  assert.match(good.taken[0]!.text, /^\d{6} is your Countersign verification code/)
  assert.ok(!told.out.includes(good.taken[0]!.code!), 'the code is not printed')

  bad.behaviour = 'refuse'
  const refused = await run(yaml, 'test', '+8613800138000', '--json')
  assert.equal(refused.code, 1)
  const steps = refused.out.split('\n').map((line) => JSON.parse(line).step)
  assert.deepEqual(steps, ['message', 'route', 'hand-over', 'refused', 'end'])
  assert.equal(good.taken.length, 1)

  const named = await run(yaml, 'test', '+8613800138000', '--provider', 'good', '--locale', 'zh-CN')
  assert.equal(named.code, 0)
  assert.match(good.taken[1]!.text, /验证码/)
  const andRefused = await run(yaml, 'test', '+8613800138000', '--provider', 'bad')
  assert.equal(andRefused.code, 1, 'a script must not take a refusal for success')
  assert.match(andRefused.out, /^bad: refused after/m)
  assert.equal((await run(yaml, 'test', '+8613800138000', '--provider', 'none')).code, 2)
})

test('test hands nothing to a carrier that does not serve the channel', async () => {
  const yaml = `providers:\n  m: { type: smtp, host: 127.0.0.1, port: 1, security: none, from: { address: a@example.com } }\n`
  const { code, out, err } = await run(yaml, 'test', '+8613800138000', '--provider', 'm')
  assert.equal(code, 2)
  assert.equal(out, '')
  assert.match(err, /m serves email, not sms/)
})

test('list, doctor and test tell whether a carrier takes the credentials, where it has a call for that', async (t) => {
  let key = 'right'
  const port = await listening(
    t,
    createServer((request, response) => {
      const isKnown = request.headers.authorization === `Bearer ${key}`
      const status = request.url !== '/account' ? 500 : isKnown ? 200 : 401
      response.writeHead(status).end(JSON.stringify({ why: status === 401 ? 'unknown key' : 'broken' }))
    }),
  )
  const yaml = `providers:
  a:
    type: http
    allowPrivate: [127.0.0.1]
    receipts: false
    key: right
    block:
      channels: [sms]
      needs: { key: { description: Key., secret: true } }
      request:
        server: 'http://127.0.0.1:${port}'
        path: /send
        json: { to: '{{ to }}' }
        sign: { bearer: { token: '{{ key }}' } }
      credentials: { source: this test, path: /account, good: { status: 200 } }
      answer: { accepted: { status: 200 }, words: [/why] }
  b: { type: sandbox }
routes: { sms: [a] }
`
  assert.match((await run(yaml, 'list', '--check')).out, /^a +http +sms +credentials taken +routes\.sms/m)
  assert.match(
    (await runCommand(yaml, 'doctor', '--dev')).out,
    /^good +providers +credentials taken by a; reached: b$/m,
  )
  const good = await run(yaml, 'test', '+8613800138000')
  assert.match(good.out, /^a: unavailable after \d+ ms: 500 broken\na: takes the credentials$/m)
  key = 'changed'
  const away = await run(yaml, 'list', '--check', '--json')
  assert.equal(away.code, 1)
  const [a, b] = JSON.parse(away.out)
  assert.match(a.problem, /credentials not taken: 401 unknown key/)
  assert.deepEqual([a.provesCredentials, b.provesCredentials, b.problem], [true, false, null])
  const doctor = await runCommand(yaml, 'doctor', '--dev')
  assert.match(doctor.out, /^BAD +providers +a: .*credentials not taken: 401 unknown key$/m)
  const bad = await run(yaml, 'test', '+8613800138000')
  assert.match(bad.out, /^a: .*credentials not taken: 401 unknown key$/m)
})

test('test names the setting of a carrier by SMPP that its answer is about', async () => {
  await using smsc = await startFakeSmsc()
  const yaml = (more = '') =>
    `providers: { smsc: { type: smpp, host: 127.0.0.1, port: ${smsc.port}, security: none, systemId: esme, password: x${more} } }\n`
  smsc.script.answer = ({ pdu }) => (pdu.body.validityPeriod === '' ? {} : { status: 0x62 })
  const refused = await run(yaml(), 'test', '+8613800138000')
  assert.equal(refused.code, 1)
  assert.match(refused.out, /0x00000062 ESME_RINVEXPIRY; see the setting validity$/m)
  const mended = await run(yaml(', validity: none'), 'test', '+8613800138000')
  assert.equal(mended.code, 0, mended.out + mended.err)
})

test('provider test sends nothing to a country that the policy does not allow, and says so', async () => {
  const yaml = 'policy: { countries: [DE] }\nproviders: { sandbox: { type: sandbox } }\n'
  const { code, out } = await run(yaml, 'test', '+8613800138000')
  assert.equal(code, 1)
  assert.match(out, /policy\.countries does not allow CN/)
  assert.doesNotMatch(out, /handed over/)
})
