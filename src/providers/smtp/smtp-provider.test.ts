import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SMTPServerEnvelope } from 'smtp-server'
import { failure, mailServer, message, providerOf, scripted, to } from '../../../test/mail-servers.ts'
import { parseEmailAddress } from '../../address/email-address.ts'
import type { SmtpSettings } from '../../config/providers/smtp.ts'

const never = { signal: new AbortController().signal }

function senderOf({ mailFrom }: SMTPServerEnvelope): string {
  return mailFrom === false ? '' : mailFrom.address
}

test('a mail arrives over TLS, text before html, with the headers that keep robots quiet', async (t) => {
  const { port, mails } = await mailServer(t)
  const accepted = await providerOf(t, port).send(message, never)
  assert.equal(accepted.id, `<${message.id}@countersign.example>`)
  const [mail = assert.fail()] = mails
  assert.equal(mail.session.secure, true)
  assert.deepEqual(
    [senderOf(mail.envelope), mail.envelope.rcptTo.map((one) => one.address)],
    ['codes@countersign.example', ['Li.Na+x@example.com']],
  )
  const [head = '', ...rest] = mail.raw.split('\r\n\r\n')
  const names = head
    .replace(/\r\n[ \t]/g, ' ')
    .split('\r\n')
    .map((line) => line.split(':')[0]!.toLowerCase())
  assert.deepEqual(names.toSorted(), [
    'auto-submitted',
    'content-type',
    'date',
    'from',
    'message-id',
    'mime-version',
    'subject',
    'to',
    'x-auto-response-suppress',
  ])
  assert.match(head, /^To: Li\.Na\+x@example\.com\r$/m)
  assert.match(head, /^Auto-Submitted: auto-generated\r$/m)
  assert.match(head, /^X-Auto-Response-Suppress: All\r$/m)
  assert.match(head, /^Content-Type: multipart\/alternative/m)
  const body = rest.join('\r\n\r\n')
  assert.ok(body.indexOf('text/plain') > 0 && body.indexOf('text/plain') < body.indexOf('text/html'))
})

test('every dispatch of a message has the same Message-ID', async (t) => {
  const { port, mails } = await mailServer(t)
  const provider = providerOf(t, port)
  await provider.send(message, never)
  await provider.send(message, never)
  const ids = mails.map(({ raw }) => /^Message-ID: (.*)\r$/m.exec(raw)?.[1])
  assert.deepEqual(ids, Array(2).fill(`<${message.id}@countersign.example>`))
})

test('with bounces each mail has an envelope sender of its own, the same on every dispatch and in every process', async (t) => {
  const { port, mails } = await mailServer(t, { hideDSN: false })
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bounces-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const secretFile = join(folder, 'bounces.key')
  const listen = { host: '127.0.0.1', port: 0 }
  const bounces = { listen, domain: 'bounces.example.com', secretFile }
  const accepted = await providerOf(t, port, { bounces }).send(message, never)
  await providerOf(t, port, { bounces }).send(message, never)
  await providerOf(t, port, { bounces }).send({ ...message, id: 'f'.repeat(32) }, never)
  const senders = mails.map(({ envelope }) => senderOf(envelope))
  assert.match(senders[0]!, new RegExp(`^b\\+${message.id}-[0-9a-f]{16}@bounces\\.example\\.com$`))
  assert.equal(senders[1], senders[0])
  assert.notEqual(senders[2], senders[0])
  assert.equal(accepted.receiptKey, message.id)
  assert.equal(statSync(secretFile).mode & 0o077, 0)
  assert.match(mails[0]!.raw, /^ <codes@countersign\.example>/m)
})

test('TLS from the first byte works too', async (t) => {
  const { port, mails } = await mailServer(t, { secure: true })
  await providerOf(t, port, { security: 'tls' }).send(message, never)
  assert.equal(mails.length, 1)
})

test('many messages share the connections, and one the server has dropped is replaced unseen', async (t) => {
  const { port, mails, drop, connections } = await mailServer(t)
  const provider = providerOf(t, port, { connections: 3 })
  const ids = Array.from({ length: 40 }, (_, i) => String(i).padStart(32, '0'))
  await Promise.all(ids.map((id) => provider.send({ ...message, id }, never)))
  assert.deepEqual(mails.map(({ raw }) => /^Message-ID: <(\d+)/m.exec(raw)?.[1]).toSorted(), ids)
  assert.equal(connections(), 3)
  drop()
  await provider.send(message, never)
  assert.equal(mails.length, 41)
})

test('a closed provider takes nothing more', async (t) => {
  const { port } = await mailServer(t)
  const provider = providerOf(t, port)
  await provider.send(message, never)
  await provider.close?.()
  assert.equal((await failure(provider.send(message, never))).kind, 'unavailable')
})

test('a mailbox beyond ASCII is left to another carrier unless the server offers to take it', async (t) => {
  const without = await mailServer(t, { hideSMTPUTF8: true })
  const error = await failure(providerOf(t, without.port).send(to('李娜@example.com', true), never))
  assert.deepEqual(
    [error.kind, error.providerCode],
    ['throttled', 'the mailbox needs SMTPUTF8, which this server does not offer'],
  )
  assert.equal(without.mails.length, 0)
  const { port, mails } = await mailServer(t, { hideSMTPUTF8: false })
  await providerOf(t, port).send(to('李娜@example.com', true), never)
  assert.deepEqual(
    mails.map(({ envelope }) => envelope.rcptTo[0]!.address),
    ['李娜@example.com'],
  )
  assert.match(mails[0]!.raw, /^To: .*李娜@example\.com/m)
})

test('whether it is offered is asked once, and a server that cannot be asked is not the recipient’s fault', async (t) => {
  const { port, mails, connections } = await mailServer(t, { hideSMTPUTF8: false })
  const provider = providerOf(t, port, { connections: 1 })
  await Promise.all(Array.from({ length: 5 }, () => provider.send(to('李娜@example.com', true), never)))
  assert.deepEqual([mails.length, connections()], [5, 2])

  const mute = await mailServer(t, { onConnect: () => {} })
  const soon = new AbortController()
  const asking = failure(providerOf(t, mute.port).send(to('李娜@example.com', true), { signal: soon.signal }))
  soon.abort(new Error('the deadline'))
  const given = await asking
  assert.equal(given.kind, 'unavailable')
  assert.match(given.providerCode, /the deadline/, 'it waited for the server')

  let isUp = false
  const shaky = await scripted(t, (line) =>
    line.startsWith('EHLO') && !isUp ? '421 4.3.2 Not now' : '250-scripted\r\n250 SMTPUTF8',
  )
  const again = providerOf(t, shaky.port, { security: 'none' })
  assert.equal((await failure(again.send(to('李娜@example.com', true), never))).kind, 'throttled')
  isUp = true
  // The answer that failed is not kept: now it is asked again, and the mailbox gets as far as RCPT.
  await again.send(to('李娜@example.com', true), never).catch(() => {})
  assert.ok(shaky.lines.includes('RCPT TO:<李娜@example.com>'), String(shaky.lines))
})

test('a server that offers DSN is asked to tell failures and delays by the message; another is not', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bounces-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const bounces = {
    listen: { host: '127.0.0.1', port: 0 },
    domain: 'bounces.example.com',
    secretFile: join(folder, 'bounces.key'),
  }
  const said = async (offer: string, settings: Partial<SmtpSettings>) => {
    const { port, lines } = await scripted(t, (line) => {
      if (line.startsWith('EHLO')) return `250-scripted\r\n250 ${offer}`
      return line.startsWith('RCPT') ? '550 5.1.1 No' : '250 Yes'
    })
    const provider = providerOf(t, port, { security: 'none', ...settings })
    assert.equal((await failure(provider.send(message, never))).kind, 'refused')
    return lines
      .filter((line) => /^(MAIL|RCPT)/.test(line))
      .map((line) => line.replace(/-[0-9a-f]{16}@/, '-MAC@'))
  }
  assert.deepEqual(await said('DSN', { bounces }), [
    `MAIL FROM:<b+${message.id}-MAC@bounces.example.com> RET=HDRS ENVID=${message.id}`,
    'RCPT TO:<Li.Na+x@example.com> NOTIFY=FAILURE,DELAY ORCPT=rfc822;Li.Na+2Bx@example.com',
  ])
  assert.deepEqual(await said('HELP', { bounces }), [
    `MAIL FROM:<b+${message.id}-MAC@bounces.example.com>`,
    'RCPT TO:<Li.Na+x@example.com>',
  ])
  assert.deepEqual(await said('DSN', {}), [
    'MAIL FROM:<codes@countersign.example>',
    'RCPT TO:<Li.Na+x@example.com>',
  ])
})

test('what only looks leaves no secret behind', async (t) => {
  const { port } = await mailServer(t)
  const folder = mkdtempSync(join(tmpdir(), 'countersign-bounces-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const secretFile = join(folder, 'bounces.key')
  const listen = { host: '127.0.0.1', port: 0 }
  await providerOf(t, port, { bounces: { listen, domain: 'bounces.example.com', secretFile } }).check?.()
  assert.equal(existsSync(secretFile), false)
})

test('an internationalised domain goes out in its ASCII form', async (t) => {
  const { port, lines } = await scripted(t, (line) => (line.startsWith('RCPT') ? '550 5.1.1 No' : '250 Yes'))
  await failure(providerOf(t, port, { security: 'none' }).send(to('a@xn--fsqu00a.example'), never))
  assert.equal(lines.includes('RCPT TO:<a@xn--fsqu00a.example>'), true)
})

test('no mailbox, however forged, reaches two recipients, another one, or a header', async (t) => {
  const { port, mails } = await mailServer(t)
  const provider = providerOf(t, port)
  const forged = [
    'a@example.com, b@evil.example',
    'a@example.com,b@evil.example',
    'a@example.com;b@evil.example',
    'a@example.com b@evil.example',
    'a@example.com>\r\nRCPT TO:<b@evil.example',
    'a@example.com\r\nBcc: b@evil.example',
    'a@example.com\nBcc: b@evil.example',
    'x <b@evil.example>',
    'group: a@example.com, b@evil.example;',
    '"a@example.com" <b@evil.example>',
    'a@evil.example@example.com',
    '(b@evil.example) a@example.com',
    '',
    'nobody',
  ]
  for (const mailbox of forged)
    assert.equal((await failure(provider.send(to(mailbox), never))).kind, 'refused', mailbox)
  assert.equal(mails.length, 0)

  const pieces = fc.constantFrom(
    'a',
    '@',
    'b@evil.example',
    'example.com',
    ',',
    ';',
    ' ',
    '\r\n',
    '<',
    '>',
    '"',
    ':',
    '=',
    '%',
    '\0',
    '(',
    '.',
    '!',
  )
  await fc.assert(
    fc.asyncProperty(
      fc.array(pieces, { minLength: 1, maxLength: 7 }).map((some) => some.join('')),
      async (mailbox) => {
        mails.length = 0
        await provider.send(to(mailbox), never).catch(() => {})
        for (const { envelope, raw } of mails) {
          // What is no dot-atom gets quoted, which names the same mailbox.
          const reached = envelope.rcptTo.map(({ address }) => address.replaceAll('"', ''))
          assert.deepEqual(reached, [mailbox])
          assert.equal(raw.split('\r\n\r\n')[0]!.match(/^(to|bcc|cc):/gim)?.length, 1)
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('every mailbox that the address parser takes is reached as it was typed', async (t) => {
  const { port, mails } = await mailServer(t)
  const provider = providerOf(t, port)
  const atoms = fc.stringMatching(
    /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20})?$/,
  )
  const domains = fc.constantFrom('example.com', 'a.b-c.example', '1.co')
  await fc.assert(
    fc.asyncProperty(atoms, domains, async (local, domain) => {
      const parsed = parseEmailAddress(`${local}@${domain}`)
      assert.ok(parsed.kind === 'parsed')
      mails.length = 0
      await provider.send({ ...message, to: parsed.address }, never)
      assert.deepEqual(
        mails.flatMap(({ envelope }) => envelope.rcptTo.map(({ address }) => address)),
        [`${local}@${domain}`],
      )
    }),
    { numRuns: 100 },
  )
})
