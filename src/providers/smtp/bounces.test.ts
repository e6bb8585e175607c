import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import nodemailer from 'nodemailer'
import { bounce } from '../../../test/bounce.ts'
import { requirePeer } from '../../../test/peers.ts'
import type { Receipt } from '../../delivery/provider.ts'
import { bounceAddresses } from './bounce-address.ts'
import { listenForBounces } from './bounce-listener.ts'
import { readBounceSecret } from './bounce-secret.ts'

const run = promisify(execFile)

const id = '0123456789abcdef0123456789abcdef'
const addresses = bounceAddresses('bounces.example.com', Buffer.from('a secret'))

test('an address names its message, and no other address, changed or made up, does', () => {
  const address = addresses.addressOf(id)
  assert.equal(addresses.messageIdOf(address), id)
  assert.equal(addresses.messageIdOf(address.toUpperCase()), id, 'local parts may change their case')
  assert.ok(address.slice(0, address.indexOf('@')).length <= 64)
  for (const other of [
    address.replace('0123', '1123'),
    address.replace(/.@/, (one) => (one === '0@' ? '1@' : '0@')),
    address.replace('bounces.', 'other.'),
    address.slice(1),
    `x${address}`,
    bounceAddresses('bounces.example.com', Buffer.from('another')).addressOf(id),
    '',
    'postmaster@bounces.example.com',
  ])
    assert.equal(addresses.messageIdOf(other), undefined, other)
})

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bounces-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('the secret is made once, for its owner alone, whoever comes first', async (t) => {
  const folder = join(folderOf(t), 'not', 'yet')
  const rounds = 200
  const fileOf = (round: number) => join(folder, `bounces.${round}.key`)
  // Two threads race for each file, as processes do: both wait for each other at the gate.
  const gate = new Int32Array(new SharedArrayBuffer(4 * rounds))
  const racer = `
    const { workerData, parentPort } = require('node:worker_threads')
    const { module, files, gate } = workerData
    import(module).then(({ readBounceSecret }) => {
      const read = files.map((file, round) => {
        Atomics.add(gate, round, 1)
        while (Atomics.load(gate, round) < 2);
        return readBounceSecret(file).toString()
      })
      parentPort.postMessage(read)
    })`
  const files = Array.from({ length: rounds }, (_, round) => fileOf(round))
  const module = new URL('./bounce-secret.ts', import.meta.url).href
  const race = () => once(new Worker(racer, { eval: true, workerData: { module, files, gate } }), 'message')
  const [[one], [other]] = (await Promise.all([race(), race()])) as [[string[]], [string[]]]
  assert.deepEqual(one, other)
  assert.deepEqual(
    one,
    files.map((file) => readBounceSecret(file).toString()),
  )
  assert.ok(new Set(one).size === rounds && one.every((secret) => secret.length >= 43))
  assert.equal(statSync(fileOf(0)).mode & 0o777, 0o600)
  assert.equal(readdirSync(folder).length, rounds)
})

test('a secret that anybody could guess, or that cannot be read, is told of', (t) => {
  const file = join(folderOf(t), 'bounces.key')
  writeFileSync(file, '\n')
  assert.throws(
    () => readBounceSecret(file),
    /^AppError: bounces\.secretFile: .* less than 20 characters; remove it/,
  )
  assert.throws(() => readBounceSecret(dirname(file)), /^AppError: bounces\.secretFile: EISDIR/)
})

async function listening(t: TestContext, receive?: (told: readonly Receipt[]) => Promise<void>) {
  const receipts: Receipt[] = []
  const keep = async (told: readonly Receipt[]) => {
    receipts.push(...told)
  }
  const listener = await listenForBounces({ host: '127.0.0.1', port: 0 }, addresses, receive ?? keep)
  t.after(() => listener[Symbol.asyncDispose]())
  const send = async (to: string, raw: string, from = '') => {
    const transport = nodemailer.createTransport({ host: '127.0.0.1', port: listener.port, ignoreTLS: true })
    try {
      return (await transport.sendMail({ envelope: { from, to: [to] }, raw })).response
    } catch (error) {
      return (error as { response: string }).response
    } finally {
      transport.close()
    }
  }
  return { receipts, send, port: listener.port }
}

test('a bounce is a receipt of its message, its words without address and code', async (t) => {
  const { receipts, send } = await listening(t)
  assert.match(await send(addresses.addressOf(id), bounce()), /^250 /)
  assert.equal(receipts.length, 1)
  const [{ key, state, providerCode }] = receipts as [Receipt]
  assert.deepEqual([key, state], [id, 'undeliverable'])
  assert.match(providerCode, /^5\.1\.1 550 5\.1\.1 … Recipient address rejected: User … unknown/)
  assert.ok(!/li\.na|123456/.test(providerCode), providerCode)
})

test('a forged address is refused, an automatic answer taken and forgotten, a huge mail refused', async (t) => {
  const { receipts, send } = await listening(t)
  const forged = addresses.addressOf(id).replace('0123', '3210')
  assert.match(await send(forged, bounce()), /^550 5\.1\.1/)
  assert.match(await send(addresses.addressOf(id), 'Subject: Away\n\nuntil Monday\n'), /^250 /)
  assert.match(await send(addresses.addressOf(id), `Subject: x\n\n${'y'.repeat(400_000)}\n`), /^552 /)
  assert.deepEqual(receipts, [])
})

test('while the store is away the mail server is asked to come again', async (t) => {
  let isAway = true
  const told: string[] = []
  const { send } = await listening(t, async (receipts) => {
    if (isAway) throw new Error('away')
    told.push(...receipts.map((one) => one.key))
  })
  assert.match(await send(addresses.addressOf(id), bounce()), /^451 4\.3\.0/)
  isAway = false
  assert.match(await send(addresses.addressOf(id), bounce()), /^250 /)
  assert.deepEqual(told, [id])
})

test('two cannot listen in one place, and the settings are told of it', async (t) => {
  const { port } = await listening(t)
  await assert.rejects(
    listenForBounces({ host: '127.0.0.1', port }, addresses, async () => {}),
    /bounces\.listen: cannot listen on 127\.0\.0\.1:\d+: something else listens there/,
  )
})

test('a line without end and a crowd of recipients are cut off, and the next bounce is taken', async (t) => {
  const { receipts, send, port } = await listening(t)
  const endless = connect(port, '127.0.0.1').on('error', () => {})
  const gone = once(endless, 'close')
  await once(endless, 'data')
  const more = () => endless.write('x'.repeat(65_536))
  endless.on('drain', more).resume()
  while (more());
  await gone

  const crowd = connect(port, '127.0.0.1').setEncoding('utf8')
  let said = ''
  crowd.on('data', (chunk) => {
    said += chunk
  })
  await once(crowd, 'data')
  const each = Array.from({ length: 60 }, (_, i) => addresses.addressOf(String(i).padStart(32, '0')))
  const lines = ['EHLO x', 'MAIL FROM:<>', ...each.map((one) => `RCPT TO:<${one}>`), 'QUIT']
  crowd.end(lines.map((line) => `${line}\r\n`).join(''))
  await once(crowd, 'close')
  assert.equal(said.match(/^452 /gm)?.length, 10, said)

  assert.match(await send(addresses.addressOf(id), bounce()), /^250 /)
  assert.equal(receipts.length, 1)
})

test('a report without a status counts only with the empty sender that reports have', async (t) => {
  const { receipts, send } = await listening(t)
  const report = bounce().replace('message/delivery-status', 'text/plain')
  assert.match(await send(addresses.addressOf(id), report, 'someone@example.com'), /^250 /)
  assert.deepEqual(receipts, [])
  assert.match(await send(addresses.addressOf(id), report), /^250 /)
  const [receipt, ...more] = receipts as Receipt[]
  assert.deepEqual([receipt?.key, receipt?.state, more], [id, 'undeliverable', []])
  assert.match(receipt!.providerCode, /^5\.1\.1 550 5\.1\.1 …/)
})

const swaks = '/usr/bin/swaks'
test(
  'an independent client is told the same',
  requirePeer('swaks (apt-get install swaks)', swaks),
  async (t) => {
    const { receipts, port } = await listening(t)
    const server = ['--server', '127.0.0.1', '--port', String(port)]
    const bring = (to: string, ...more: string[]) =>
      run(swaks, [...server, '--from', '<>', '--to', to, ...more])
    await bring(addresses.addressOf(id), '--data', bounce().replaceAll('\n', '\\n'))
    assert.equal(receipts[0]?.state, 'undeliverable')
    await assert.rejects(bring('someone@bounces.example.com'), (error: Error & { stdout: string }) =>
      /550 5\.1\.1 no such address/.test(error.stdout),
    )
    await assert.rejects(
      bring(addresses.addressOf(id), '--auth', 'PLAIN', '--auth-user', 'a', '--auth-password', 'b'),
    )
  },
)
