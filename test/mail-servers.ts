/** Mail servers for tests of the SMTP provider: real protocol, planted faults, one certificate. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import { generate } from 'selfsigned'
import {
  SMTPServer,
  type SMTPServerEnvelope,
  type SMTPServerOptions,
  type SMTPServerSession,
} from 'smtp-server'
import type { SmtpSettings } from '../src/config/providers/smtp.ts'
import { DeliveryError, type Message, type Provider, type ReceiptSink } from '../src/delivery/provider.ts'
import { createSmtpProvider } from '../src/providers/smtp/smtp-provider.ts'

const folder = mkdtempSync(join(tmpdir(), 'countersign-smtp-'))
after(() => rmSync(folder, { recursive: true }))

const certificate = await generate([{ name: 'commonName', value: 'localhost' }], {
  keyType: 'ec',
  extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
})
const caFile = join(folder, 'ca.pem')
writeFileSync(caFile, certificate.cert)

/** A code by mail, as delivery would hand it over. */
export const message: Message = {
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
  tenant: 't',
  app: 'a',
  sender: null,
  deadlineAt: 0,
  remainingMs: 60_000,
}

/** The same to another mailbox. */
export function to(mailbox: string, needsSmtpUtf8 = false): Message {
  return { ...message, to: { kind: 'email', mailbox, canonical: mailbox, needsSmtpUtf8 } }
}

/** A provider that is closed after the test. */
export function providerOf(
  t: TestContext,
  port: number,
  settings: Partial<SmtpSettings> = {},
  receive: ReceiptSink = async () => assert.fail('a receipt came'),
): Provider {
  const provider = createSmtpProvider(
    {
      type: 'smtp',
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
      bounces: null,
      ...settings,
    },
    receive,
  )
  t.after(() => provider.close?.())
  return provider
}

type Mail = {
  readonly session: SMTPServerSession
  readonly envelope: SMTPServerEnvelope
  readonly raw: string
}

/** A mail server that keeps what it takes; options bring its faults. It ends with the test. */
export async function mailServer(t: TestContext, options: SMTPServerOptions = {}) {
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
  const port = await listening(server.server)
  return { port, mails, drop, connections: () => connections }
}

/** Any free port of this machine. */
export async function listening(server: Server): Promise<number> {
  await once(server.listen(0, 'localhost'), 'listening')
  return (server.address() as AddressInfo).port
}

/** A server of plain sockets with scripted answers to each line, for behaviour that no real server has. */
export async function scripted(t: TestContext, answer: (line: string, socket: Socket) => string | undefined) {
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
  const port = await listening(server)
  return { port, lines }
}

/** How a call of the provider failed. */
export async function failure(sending: Promise<unknown>): Promise<DeliveryError> {
  const error = await sending.then(
    () => assert.fail('it was accepted'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof DeliveryError, String(error))
  return error
}
