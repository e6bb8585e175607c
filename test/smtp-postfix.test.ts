/** Mail as a real mail server takes, keeps and judges it: Postfix, OpenDKIM and SpamAssassin of Debian. */

import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import { promisify } from 'node:util'
import type { SmtpSettings } from '../src/config/providers/smtp.ts'
import { DeliveryError, type Message, type Provider, type Receipt } from '../src/delivery/provider.ts'
import { loadTemplates, type Templates } from '../src/delivery/templates.ts'
import { bounceAddresses } from '../src/providers/smtp/bounce-address.ts'
import { readBounceSecret } from '../src/providers/smtp/bounce-secret.ts'
import { createSmtpProvider } from '../src/providers/smtp/smtp-provider.ts'
import { bounce } from './bounce.ts'
import { freePort } from './free-port.ts'
import { requirePeer } from './peers.ts'
import { isRoot, type Postfix, postfixPath, startPostfix, until } from './postfix.ts'

const opendkimPath = '/usr/sbin/opendkim'
const spamassassinPath = '/usr/bin/spamassassin'
const swaksPath = '/usr/bin/swaks'
const { skip } = isRoot
  ? requirePeer('Postfix (apt-get install postfix)', postfixPath)
  : requirePeer('root, to start Postfix', [])

const signal = new AbortController().signal

suite('a mail through Postfix', skip === undefined ? {} : { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-mail-'))
  let postfix: Postfix
  let bouncePort: number
  let provider: Provider
  let templates: Templates

  const receipts: Receipt[] = []
  const providerOf = (bounces: SmtpSettings['bounces'] = null, server = postfix) =>
    createSmtpProvider(
      {
        type: 'smtp',
        name: 'mail',
        host: '127.0.0.1',
        port: server.port,
        security: 'starttls',
        user: null,
        password: null,
        from: { name: '云会议', address: 'codes@countersign.example' },
        connections: 3,
        dkim: { domain: 'countersign.example', selector: 's1', privateKeyFile: join(folder, 'dkim.pem') },
        caFile: server.caFile,
        bounces,
      },
      async (told) => {
        receipts.push(...told)
      },
    )

  before(async () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    writeFileSync(join(folder, 'dkim.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }))
    const told = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
    writeFileSync(join(folder, 'dns'), `s1._domainkey.countersign.example v=DKIM1; k=rsa; p=${told}\n`)
    writeFileSync(join(folder, 'opendkim.conf'), `Mode v\nTestPublicKeys ${join(folder, 'dns')}\n`)
    templates = await loadTemplates({
      folder: null,
      signature: '云会议',
      product: 'Countersign',
      smsParts: 1,
    })
    bouncePort = await freePort()
    postfix = await startPostfix({ bounces: { domain: 'bounces.countersign.example', port: bouncePort } })
    provider = providerOf()
  })
  after(async () => {
    await provider?.close?.()
    await postfix?.stop()
    rmSync(folder, { recursive: true })
  })

  let sent = 0
  function messageTo(
    mailbox: string,
    locale = 'zh-CN',
    template: 'code' | 'contact-changed' = 'code',
    needsSmtpUtf8 = false,
  ): Message {
    const id = (++sent).toString(16).padStart(32, 'a')
    const values = {
      code: '012345',
      lifetimeMs: '60000',
      contact: 'j***@example.com',
      changedAt: '1800000000000',
    }
    return {
      id,
      channel: 'email',
      to: { kind: 'email', mailbox, canonical: mailbox.toLowerCase(), needsSmtpUtf8 },
      locale,
      template,
      ...templates.render(template, 'email', locale, id, values),
      tenant: 't',
      app: 'a',
      sender: null,
      deadlineAt: 0,
      remainingMs: 60_000,
    }
  }

  async function delivered(message: Message, by = provider): Promise<string> {
    const mailbox = message.to.kind === 'email' ? message.to.mailbox : ''
    await by.send(message, { signal })
    const [mail = ''] = await postfix.arrived(mailbox, 1)
    return mail
  }

  test('arrives over TLS as it was written, text before html', async () => {
    await provider.check?.()
    const message = messageTo('li.na+meeting@example.com')
    const { headers, parts } = parsed(await delivered(message))
    assert.match(headers.get('received')!, /with ESMTPS id/)
    assert.equal(headers.get('return-path'), '<codes@countersign.example>')
    assert.equal(headers.get('to'), 'li.na+meeting@example.com')
    assert.equal(words(headers.get('from')!), '云会议 <codes@countersign.example>')
    assert.equal(words(headers.get('subject')!), message.subject)
    assert.equal(headers.get('message-id'), `<${message.id}@countersign.example>`)
    assert.ok(Math.abs(Date.parse(headers.get('date')!) - Date.now()) < 3_600_000)
    assert.equal(headers.get('auto-submitted'), 'auto-generated')
    assert.equal(headers.get('x-auto-response-suppress'), 'All')
    for (const name of ['list-unsubscribe', 'references', 'in-reply-to', 'x-mailer'])
      assert.equal(headers.has(name), false, name)
    assert.match(headers.get('content-type')!, /^multipart\/alternative/)
    assert.deepEqual(parts, [
      { type: 'text/plain; charset=utf-8', body: message.text },
      { type: 'text/html; charset=utf-8', body: message.html },
    ])
  })

  test(
    'carries a DKIM signature that holds, and that a changed digit breaks',
    requirePeer('OpenDKIM (apt-get install opendkim)', opendkimPath),
    async () => {
      const mail = await delivered(messageTo('dkim@example.com'))
      const file = join(folder, 'mail.eml')
      const verdict = (text: string) => {
        writeFileSync(file, text)
        return execFileSync(opendkimPath, ['-x', join(folder, 'opendkim.conf'), '-t', file], {
          encoding: 'utf8',
        })
      }
      assert.match(verdict(mail), /verification \(s=s1, d=countersign\.example, 2048-bit key\) succeeded/)
      assert.match(verdict(mail.replace('012345', '012346')), /signature verification failed/)
    },
  )

  test(
    'is no spam to SpamAssassin, whichever message and language',
    requirePeer('SpamAssassin (apt-get install spamassassin)', spamassassinPath),
    async () => {
      for (const locale of ['zh-CN', 'en-US'])
        for (const template of ['code', 'contact-changed'] as const) {
          const mail = await delivered(
            messageTo(`spam-${locale}-${template}@example.com`.toLowerCase(), locale, template),
          )
          const judged = execFileSync(spamassassinPath, ['--local', '--test-mode', '--nocreate-prefs'], {
            input: mail,
            encoding: 'utf8',
            env: { PATH: process.env.PATH, HOME: folder },
            stdio: ['pipe', 'pipe', 'ignore'],
          })
          // Only what counts against it: coming from this machine counts for it.
          const points = [
            ...judged
              .split('Content analysis details:')
              .at(-1)!
              .matchAll(/^ ?(-?\d+\.\d) ([A-Z_0-9]+) /gm),
          ]
          const against = points.map(([, count]) => Number(count)).filter((count) => count > 0)
          assert.ok(points.length > 0, judged)
          assert.ok(against.reduce((sum, one) => sum + one, 0) < 2, points.join('\n'))
        }
    },
  )

  test('that Postfix refuses, defers or will not relay is told so, without the address', async () => {
    for (const [mailbox, kind, told] of [
      ['gone@example.com', 'refused', '554 5.1.1 … Recipient address rejected: No such mailbox'],
      ['slow@example.com', 'throttled', '450 4.2.0 … Recipient address rejected: Greylisted, come back'],
      ['someone@elsewhere.example', 'unavailable', '454 4.7.1 … Relay access denied'],
    ] as const) {
      const error = await provider.send(messageTo(mailbox), { signal }).then(
        () => assert.fail(`${mailbox} was accepted`),
        (error: unknown) => error,
      )
      assert.ok(error instanceof DeliveryError)
      assert.deepEqual([error.kind, error.providerCode], [kind, told])
    }
  })

  test('goes to a mailbox beyond ASCII, for this server offers SMTPUTF8', async () => {
    const provider = providerOf()
    const { headers } = parsed(
      await delivered(messageTo('李娜@example.com', 'zh-CN', 'code', true), provider),
    )
    await provider.close?.()
    assert.match(words(headers.get('to')!), /李娜@example\.com/)
  })

  test('goes to a mailbox with double and final dots, quoted as SMTP has it', async () => {
    await provider.send(messageTo('a..b.@example.com'), { signal })
    assert.equal((await postfix.arrived('"a..b."@example.com', 1)).length, 1)
  })

  test('is left to another carrier for such a mailbox where Postfix does not offer it, and goes to others as ever', async () => {
    const plain = await startPostfix({ hasSmtpUtf8: false })
    const provider = providerOf(null, plain)
    try {
      const error = await provider
        .send(messageTo('李娜@example.com', 'zh-CN', 'code', true), { signal })
        .then(
          () => assert.fail('it was accepted'),
          (error: unknown) => error as DeliveryError,
        )
      assert.deepEqual(
        [error.kind, error.providerCode],
        ['throttled', 'the mailbox needs SMTPUTF8, which this server does not offer'],
      )
      await provider.send(messageTo('lina@example.com'), { signal })
      assert.equal((await plain.arrived('lina@example.com', 1)).length, 1)
    } finally {
      await provider.close?.()
      await plain.stop()
    }
  })

  test('comes back if it cannot be delivered after all, and is told as undeliverable by its message', async () => {
    const provider = providerOf({
      listen: { host: '127.0.0.1', port: bouncePort },
      domain: 'bounces.countersign.example',
      secretFile: join(folder, 'bounces.key'),
    })
    await provider.start?.()
    try {
      assert.equal(provider.hasReceipts, true)
      const [closed, late] = [messageTo('closed@example.com'), messageTo('late@example.com')]
      const accepted = await provider.send(closed, { signal })
      assert.equal(accepted.receiptKey, closed.id)
      await provider.send(late, { signal })
      for (let tries = 0; receipts.length < 2; tries++) {
        assert.ok(tries < 600, `no bounce came; Postfix says:\n${postfix.log()}`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      const told = (id: string) => receipts.find((one) => one.key === id)
      assert.deepEqual(told(closed.id), {
        key: closed.id,
        state: 'undeliverable',
        providerCode: '5.2.1 Mailbox of … is no more',
      })
      assert.equal(told(late.id)?.state, 'enroute')
      assert.equal(told(late.id)?.providerCode, '4.2.2 Come back tomorrow')
    } finally {
      await provider.close?.()
    }
  })

  test(
    'that comes back from elsewhere passes a Postfix set up as documented, and no other address does',
    requirePeer('swaks (apt-get install swaks)', swaksPath),
    async () => {
      const secretFile = join(folder, 'bounces.key')
      const domain = 'bounces.countersign.example'
      const provider = providerOf({ listen: { host: '127.0.0.1', port: bouncePort }, domain, secretFile })
      await provider.start?.()
      const bring = (to: string, isScanned = false) => {
        const server = ['--server', '127.0.0.1', '--port', String(postfix.port), '--tls']
        const report = bounce({ status: '5.1.10', diagnostic: 'smtp; 550 from elsewhere' })
        const scanned = `Content-Type: multipart/mixed; boundary=scan\n\n--scan\n${report}\n--scan\nContent-Type: text/plain\n\nClean.\n--scan--\n`
        const data = (isScanned ? scanned : report).replaceAll('\n', '\\n')
        return promisify(execFile)(swaksPath, [...server, '--from', '<>', '--to', to, '--data', data])
      }
      try {
        const { addressOf } = bounceAddresses(domain, readBounceSecret(secretFile))
        const [id, other] = ['c'.repeat(32), 'd'.repeat(32)]
        const forged = addressOf(other).replace('dddd', 'cddd')
        await assert.rejects(bring(`someone@${domain}`), (error: Error & { stdout: string }) =>
          /550 5\.1\.1 .*User unknown in relay recipient table/.test(error.stdout),
        )
        await bring(forged) // Postfix knows the form, only we know the secret
        await bring(addressOf(id))
        const scanned = 'e'.repeat(32)
        await bring(addressOf(scanned), true)
        await until(async () => receipts.some((one) => one.key === scanned), postfix.log)
        await until(async () => receipts.some((one) => one.key === id), postfix.log)
        await until(async () => postfix.log().includes('550 5.1.1 no such address'), postfix.log)
        assert.deepEqual(
          receipts.filter(({ providerCode }) => providerCode.includes('from elsewhere')),
          [id, scanned].map((key) => ({
            key,
            state: 'undeliverable',
            providerCode: '5.1.10 550 from elsewhere',
          })),
        )
      } finally {
        await provider.close?.()
      }
    },
  )

  test('a hundred at once arrive once each', async () => {
    const messages = Array.from({ length: 100 }, () => messageTo('many@example.com'))
    await Promise.all(messages.map((message) => provider.send(message, { signal })))
    const ids = (await postfix.arrived('many@example.com', 100)).map((mail) =>
      parsed(mail).headers.get('message-id'),
    )
    assert.deepEqual(ids.toSorted(), messages.map(({ id }) => `<${id}@countersign.example>`).toSorted())
  })
})

type Parsed = {
  readonly headers: ReadonlyMap<string, string>
  readonly parts: readonly { readonly type: string; readonly body: string }[]
}

/** A multipart mail, as far as these tests need: headers unfolded, bodies decoded. */
function parsed(mail: string): Parsed {
  const [head, body] = split(mail)
  const boundary = /boundary="([^"]+)"/.exec(head.get('content-type') ?? '')?.[1]
  const parts = boundary === undefined ? [] : body.split(`--${boundary}`).slice(1, -1)
  return {
    headers: head,
    parts: parts.map((part) => {
      const [inner, text] = split(part.slice(1))
      const how = inner.get('content-transfer-encoding')
      const decoded =
        how === 'base64'
          ? Buffer.from(text, 'base64')
          : how === 'quoted-printable'
            ? quoted(text.replace(/\n$/, '').replace(/=\n/g, ''))
            : Buffer.from(text.replace(/\n$/, ''))
      return { type: inner.get('content-type') ?? '', body: decoded.toString('utf8') }
    }),
  }
}

function split(text: string): [Map<string, string>, string] {
  const end = text.indexOf('\n\n')
  const lines = text
    .slice(0, end)
    .replace(/\n[ \t]+/g, ' ')
    .split('\n')
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(':')
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
  })
  return [new Map(headers), text.slice(end + 2)]
}

/** RFC 2047 words, each of whole characters. */
function words(header: string): string {
  return header
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?UTF-8\?([QB])\?([^?]*)\?=/g, (_, how: string, text: string) =>
      (how === 'B' ? Buffer.from(text, 'base64') : quoted(text.replaceAll('_', ' '))).toString('utf8'),
    )
}

function quoted(text: string): Buffer {
  return Buffer.from(
    text.replace(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  )
}
