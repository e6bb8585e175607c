import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { generate } from 'selfsigned'
import {
  SMTPServer,
  type SMTPServerEnvelope,
  type SMTPServerOptions,
  type SMTPServerSession,
} from 'smtp-server'
import { DeliveryError, type Message, type Provider } from '../../delivery/provider.ts'
import { createSmtpProvider, type SmtpSettings } from './smtp-provider.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-smtp-'))
after(() => rmSync(folder, { recursive: true }))

const certificate = await generate([{ name: 'commonName', value: 'localhost' }], {
  keyType: 'ec',
  extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
})
const caFile = join(folder, 'ca.pem')
writeFileSync(caFile, certificate.cert)

const message: Message = {
  id: '0123456789abcdef0123456789abcdef',
  channel: 'email',
  to: {
    kind: 'email',
    mailbox: 'Li.Na+x@example.com',
    canonical: 'li.na+x@example.com',
    needsSmtpUtf8: false,
  },
  locale: 'zh-CN',
  subject: 'Countersign 验证码 [ghijkl]',
  text: '您的验证码是 012345\n',
  html: '<p class="value">012345</p>',
  template: 'code',
  variables: ['012345', '1分钟'],
  deadlineAt: 0,
}

function to(mailbox: string, needsSmtpUtf8 = false): Message {
  return { ...message, to: { kind: 'email', mailbox, canonical: mailbox, needsSmtpUtf8 } }
}

const never = () => ({ signal: new AbortController().signal })

/** A provider that the test closes. */
function providerOf(t: TestContext, port: number, settings: Partial<SmtpSettings> = {}): Provider {
  const provider = createSmtpProvider({
    name: 'mail',
    host: 'localhost',
    port,
    security: 'starttls',
    user: null,
    password: null,
    from: { name: '云会议, Codes', address: 'codes@countersign.example' },
    connections: 2,
    dkim: null,
    caFile,
    ...settings,
  })
  t.after(() => provider.close?.())
  return provider
}

type Mail = {
  readonly session: SMTPServerSession
  readonly envelope: SMTPServerEnvelope
  readonly raw: string
}

/** A mail server that keeps what it takes; options bring its faults. */
async function mailServer(t: TestContext, options: SMTPServerOptions = {}) {
  const mails: Mail[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  const server = new SMTPServer({
    key: certificate.private,
    cert: certificate.cert,
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 1,
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      const envelope = { ...session.envelope }
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        mails.push({ session, envelope, raw: Buffer.concat(chunks).toString('utf8') })
        done(null, 'queued')
      })
    },
    ...options,
  })
  server.on('error', () => {}) // clients that leave are what some tests are about
  server.server.on('connection', (socket: Socket) => {
    connections++
    sockets.add(socket.on('error', () => {}))
    socket.on('close', () => sockets.delete(socket))
  })
  const drop = () => {
    for (const socket of sockets) socket.destroy()
  }
  t.after(() => {
    drop()
    server.close()
  })
  const { port } = await listening(server.server)
  return { port, mails, drop, connections: () => connections }
}

async function listening(server: {
  listen(port: number): unknown
  address(): unknown
}): Promise<AddressInfo> {
  await new Promise<void>((resolve) => {
    ;(server as ReturnType<typeof createServer>).listen(0, 'localhost', resolve)
  })
  return server.address() as AddressInfo
}

/** A server of plain sockets that answers each line as told, for what no real server would do. */
async function scripted(t: TestContext, answer: (line: string, socket: Socket) => string | undefined) {
  const lines: string[] = []
  const server = createServer((socket) => {
    t.after(() => socket.destroy())
    socket.on('error', () => {})
    socket.write('220 scripted\r\n')
    let rest = ''
    socket.on('data', (chunk) => {
      const parts = (rest + chunk).split('\r\n')
      rest = parts.pop()!
      for (const line of parts) {
        lines.push(line)
        const words = answer(line, socket)
        if (words !== undefined && !socket.destroyed) socket.write(`${words}\r\n`)
      }
    })
  })
  t.after(() => server.close())
  const { port } = await listening(server)
  return { port, lines }
}

async function failure(sending: Promise<unknown>): Promise<DeliveryError> {
  const error = await sending.then(
    () => assert.fail('it was accepted'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof DeliveryError, String(error))
  return error
}

function fault(responseCode: number, words: string): Error {
  return Object.assign(new Error(words), { responseCode })
}

test('a mail arrives over TLS, text before html, with the headers that keep robots quiet', async (t) => {
  const { port, mails } = await mailServer(t)
  const accepted = await providerOf(t, port).send(message, never())
  assert.equal(accepted.id, `<${message.id}@countersign.example>`)
  const [mail = assert.fail()] = mails
  assert.equal(mail.session.secure, true)
  assert.deepEqual(
    [
      mail.envelope.mailFrom && mail.envelope.mailFrom.address,
      mail.envelope.rcptTo.map((one) => one.address),
    ],
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
  await provider.send(message, never())
  await provider.send(message, never())
  const ids = mails.map(({ raw }) => /^Message-ID: (.*)\r$/m.exec(raw)?.[1])
  assert.deepEqual(ids, Array(2).fill(`<${message.id}@countersign.example>`))
})

test('bounces go to the envelope’s own sender if one is set', async (t) => {
  const { port, mails } = await mailServer(t)
  await providerOf(t, port, { envelopeFrom: 'bounces@countersign.example' }).send(message, never())
  const { mailFrom } = mails[0]!.envelope
  assert.equal(mailFrom && mailFrom.address, 'bounces@countersign.example')
})

test('TLS from the first byte works too', async (t) => {
  const { port, mails } = await mailServer(t, { secure: true })
  await providerOf(t, port, { security: 'tls' }).send(message, never())
  assert.equal(mails.length, 1)
})

test('a server whose certificate is not trusted gets nothing', async (t) => {
  const { port, mails } = await mailServer(t)
  const error = await failure(providerOf(t, port, { caFile: null }).send(message, never()))
  assert.equal(error.kind, 'unavailable')
  assert.match(error.providerCode, /certificate/)
  assert.equal(mails.length, 0)
})

test('a server without STARTTLS gets neither password nor mail', async (t) => {
  const { port, lines } = await scripted(t, (line) =>
    line.startsWith('EHLO') ? '250-scripted\r\n250 AUTH PLAIN' : '502 5.5.1 Not implemented',
  )
  const error = await failure(providerOf(t, port, { user: 'u', password: 'secret' }).send(message, never()))
  assert.equal(error.kind, 'unavailable')
  assert.match(error.providerCode, /^502 5\.5\.1 Not implemented/)
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['EHLO', 'STARTTLS'],
  )
})

test('a login opens the way; a wrong password, or no login to be had, is not the recipient’s fault', async (t) => {
  const { port, mails } = await mailServer(t, {
    authOptional: false,
    onAuth: ({ username, password }, _, done) =>
      username === 'codes' && password === 'right' ? done(null, { user: 'codes' }) : done(new Error('No')),
  })
  const right = { user: 'codes', password: 'right' }
  await providerOf(t, port, right).send(message, never())
  await providerOf(t, port, right).check?.()
  assert.equal(mails.length, 1)

  const wrong = providerOf(t, port, { user: 'codes', password: 'wrong' })
  for (const error of [await failure(wrong.send(message, never())), await failure(wrong.check!())]) {
    assert.equal(error.kind, 'unavailable')
    assert.match(error.providerCode, /^535/)
    assert.equal(error.message.includes('wrong'), false)
  }
  const open = await mailServer(t, { disabledCommands: ['AUTH'] })
  const error = await failure(providerOf(t, open.port, right).send(message, never()))
  assert.equal(error.kind, 'unavailable')
  assert.equal(open.mails.length, 0)
})

test('a server’s answers to sender, recipient and body become outcomes, and the pool goes on', async (t) => {
  let at = ''
  let words = ''
  const step = (name: string) => (_: unknown, __: unknown, done: (error?: Error | null) => void) =>
    at === name ? done(fault(Number(words.slice(0, 3)), words.slice(4))) : done()
  const { port, mails } = await mailServer(t, {
    onMailFrom: step('MAIL'),
    onRcptTo: step('RCPT'),
    onData(stream, session, done) {
      stream.resume().on('end', () => step('DATA')(stream, session, done))
    },
  })
  const provider = providerOf(t, port, { connections: 1 })
  for (const [where, answer, kind] of [
    ['MAIL', '553 5.7.1 Not your address', 'unavailable'],
    ['RCPT', '550 5.1.1 <Li.Na+x@example.com>: User unknown', 'refused'],
    ['RCPT', '450 4.2.0 Greylisted', 'throttled'],
    ['RCPT', '554 5.7.1 Relay access denied', 'unavailable'],
    ['DATA', '554 5.7.1 Spam', 'refused'],
    ['DATA', '451 4.3.0 Try later', 'throttled'],
    ['DATA', '550 5.7.26 Unauthenticated', 'unavailable'],
    ['RCPT', '421 4.7.0 Too many', 'throttled'],
  ] as const) {
    ;[at, words] = [where, answer]
    const error = await failure(provider.send(message, never()))
    assert.equal(error.kind, kind, answer)
    assert.equal(error.providerCode, answer.replace(/<.*>:/, '…'))
  }
  at = ''
  assert.ok(await provider.send(message, never()))
  assert.equal(mails.length, 0) // this server drops what it takes
})

test('a connection lost with the body under way is unavailable, lost after its end is unknown', async (t) => {
  let cut: 'first bytes' | 'end' = 'end'
  const { port, drop } = await mailServer(t, {
    onData(stream) {
      if (cut === 'end') stream.resume().on('end', drop)
      else stream.once('data', drop)
    },
  })
  const provider = providerOf(t, port)
  assert.equal((await failure(provider.send(message, never()))).kind, 'unknown')
  cut = 'first bytes'
  // More than socket buffers hold, so that the end cannot have been written.
  const huge = { ...message, text: 'twenty four characters..\n'.repeat(800_000) }
  assert.equal((await failure(provider.send(huge, never()))).kind, 'unavailable')
})

test('a connection lost before the body is unavailable', async (t) => {
  const { port } = await scripted(t, (line, socket) => {
    if (line === 'DATA') socket.destroy()
    return '250 fine'
  })
  const error = await failure(providerOf(t, port, { security: 'none' }).send(message, never()))
  assert.equal(error.kind, 'unavailable')
})

test('nobody listening is unavailable, for a message and for a check', async (t) => {
  const server = createServer()
  const { port } = await listening(server)
  server.close()
  await once(server, 'close')
  const provider = providerOf(t, port)
  for (const error of [await failure(provider.send(message, never())), await failure(provider.check!())]) {
    assert.equal(error.kind, 'unavailable')
    assert.match(error.providerCode, /ECONNREFUSED/)
  }
})

test('an abort settles a hanging call: unknown once the body is out, else unavailable', async (t) => {
  const arrived = Promise.withResolvers<void>()
  const { port } = await mailServer(t, { onData: (stream) => stream.resume().on('end', arrived.resolve) })
  const late = new AbortController()
  const sending = failure(providerOf(t, port).send(message, { signal: late.signal }))
  await arrived.promise
  late.abort()
  assert.equal((await sending).kind, 'unknown')

  const connected = Promise.withResolvers<void>()
  const mute = await mailServer(t, { onConnect: () => connected.resolve() })
  const soon = new AbortController()
  const waiting = failure(providerOf(t, mute.port).send(message, { signal: soon.signal }))
  await connected.promise
  soon.abort()
  assert.equal((await waiting).kind, 'unavailable')
  const error = await failure(providerOf(t, port).send(message, { signal: AbortSignal.abort() }))
  assert.equal(error.kind, 'unavailable')
})

test('many messages share the connections, and one the server has dropped is replaced unseen', async (t) => {
  const { port, mails, drop, connections } = await mailServer(t)
  const provider = providerOf(t, port, { connections: 3 })
  const ids = Array.from({ length: 40 }, (_, i) => String(i).padStart(32, '0'))
  await Promise.all(ids.map((id) => provider.send({ ...message, id }, never())))
  assert.deepEqual(mails.map(({ raw }) => /^Message-ID: <(\d+)/m.exec(raw)?.[1]).toSorted(), ids)
  assert.equal(connections(), 3)
  drop()
  await provider.send(message, never())
  assert.equal(mails.length, 41)
})

test('a closed provider takes nothing more', async (t) => {
  const { port } = await mailServer(t)
  const provider = providerOf(t, port)
  await provider.send(message, never())
  await provider.close?.()
  assert.equal((await failure(provider.send(message, never()))).kind, 'unavailable')
})

test('a mailbox beyond ASCII is refused unless the server is known to take it', async (t) => {
  const { port, mails } = await mailServer(t)
  const error = await failure(providerOf(t, port).send(to('李娜@example.com', true), never()))
  assert.deepEqual([error.kind, error.providerCode], ['refused', 'the mailbox needs SMTPUTF8'])
  await providerOf(t, port, { isSmtpUtf8: true }).send(to('李娜@example.com', true), never())
  assert.deepEqual(
    mails.map(({ envelope }) => envelope.rcptTo[0]!.address),
    ['李娜@example.com'],
  )
  assert.match(mails[0]!.raw, /^To: .*李娜@example\.com/m)
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
    assert.equal((await failure(provider.send(to(mailbox), never()))).kind, 'refused', mailbox)
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
        await provider.send(to(mailbox), never()).catch(() => {})
        for (const { envelope, raw } of mails) {
          assert.deepEqual(
            envelope.rcptTo.map(({ address }) => address),
            [mailbox],
          )
          assert.equal(raw.split('\r\n\r\n')[0]!.match(/^(to|bcc|cc):/gim)?.length, 1)
        }
      },
    ),
    { numRuns: 300 },
  )
})
