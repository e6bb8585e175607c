import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import fc from 'fast-check'
import nodemailer from 'nodemailer'
import { requirePeer } from '../../../test/peers.ts'
import type { Receipt } from '../../delivery/provider.ts'
import { bounceAddresses } from './bounce-address.ts'
import { listenForBounces } from './bounce-listener.ts'
import { readDeliveryStatus } from './delivery-status.ts'

const id = '0123456789abcdef0123456789abcdef'
const addresses = bounceAddresses('bounces.example.com', Buffer.from('a secret'))

/** A notification such as Postfix writes it, about one recipient. */
function bounce({
  action = 'failed',
  status = '5.1.1',
  diagnostic = 'smtp; 550 5.1.1 <li.na@example.com>: Recipient address rejected: User li.na unknown, code 123456',
  type = 'multipart/report; report-type=delivery-status;\n\tboundary="AB/cd=1"',
} = {}): string {
  return `From: MAILER-DAEMON@mx.example.com
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: ${type}

--AB/cd=1
Content-Type: text/plain

It did not work. Action: delivered

--AB/cd=1
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com
Arrival-Date: Wed, 25 Nov 2026 10:00:00 +0000

Final-Recipient: rfc822; li.na@example.com
Action: ${action}
Status: ${status}
Diagnostic-Code: ${diagnostic}

--AB/cd=1
Content-Type: message/rfc822-headers

Subject: Your code

--AB/cd=1--
`
}

const read = (text: string) => readDeliveryStatus(Buffer.from(text))

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

test('what was done with the recipient becomes a state, with the server’s words', () => {
  assert.deepEqual(read(bounce()), {
    state: 'undeliverable',
    words: '5.1.1 550 5.1.1 <li.na@example.com>: Recipient address rejected: User li.na unknown, code 123456',
    mailbox: 'li.na@example.com',
  })
  assert.equal(read(bounce({ action: 'delayed', status: '4.4.1' }))?.state, 'enroute')
  assert.equal(read(bounce({ action: 'Delivered ' }))?.state, 'delivered')
  assert.equal(read(bounce({ action: 'relayed' }))?.state, 'enroute')
  assert.equal(read(bounce().replaceAll('\n', '\r\n'))?.state, 'undeliverable')
  assert.equal(read(bounce({ diagnostic: 'smtp;\n 550 folded\n\twords' }))?.words, '5.1.1 550 folded words')
})

test('an automatic answer, a list’s mail or a broken report says nothing', () => {
  for (const text of [
    '',
    'Subject: Out of office\n\nI am away. Action: failed\n',
    bounce({ type: 'text/plain' }),
    bounce({ type: 'multipart/mixed; boundary="AB/cd=1"' }),
    bounce({ type: 'multipart/report; report-type=delivery-status' }),
    bounce({ action: 'exploded' }),
    bounce().replace('message/delivery-status', 'text/plain'),
  ])
    assert.equal(read(text), undefined, text.slice(0, 80))
})

test('no mail, however broken, throws or takes long', () => {
  const whole = bounce()
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(whole.length), fc.string({ unit: 'binary', maxLength: 20 })), {
        maxLength: 20,
      }),
      (cuts) => {
        let text = whole
        for (const [at, put] of cuts) text = text.slice(0, at) + put + text.slice(at + put.length)
        read(text)
      },
    ),
    { numRuns: 500 },
  )
  for (const piece of ['\n', ' \n', '--AB/cd=1\n', 'Action:\n ', 'boundary=', '\t\n\n', 'a:b\n c'])
    read(whole.replace('It did not work', piece.repeat(200_000 / piece.length)))
})

async function listening(t: TestContext, receive?: (told: readonly Receipt[]) => Promise<void>) {
  const receipts: Receipt[] = []
  const keep = async (told: readonly Receipt[]) => {
    receipts.push(...told)
  }
  const listener = await listenForBounces({ host: '127.0.0.1', port: 0 }, addresses, receive ?? keep)
  t.after(() => listener[Symbol.asyncDispose]())
  const send = async (to: string, raw: string) => {
    const transport = nodemailer.createTransport({ host: '127.0.0.1', port: listener.port, ignoreTLS: true })
    try {
      return (await transport.sendMail({ envelope: { from: '', to: [to] }, raw })).response
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

const swaks = '/usr/bin/swaks'
test(
  'an independent client is told the same',
  requirePeer('swaks (apt-get install swaks)', swaks),
  async (t) => {
    const { receipts, port } = await listening(t)
    const run = (to: string, ...more: string[]) =>
      promisify(execFile)(swaks, [
        '--server',
        '127.0.0.1',
        '--port',
        String(port),
        '--from',
        '<>',
        '--to',
        to,
        ...more,
      ])
    await run(addresses.addressOf(id), '--data', bounce().replaceAll('\n', '\\n'))
    assert.equal(receipts[0]?.state, 'undeliverable')
    await assert.rejects(run('someone@bounces.example.com'), (error: Error & { stdout: string }) =>
      /550 5\.1\.1 no such address/.test(error.stdout),
    )
    await assert.rejects(
      run(addresses.addressOf(id), '--auth', 'PLAIN', '--auth-user', 'a', '--auth-password', 'b'),
    )
  },
)
