/** Mail by SMTP: pooled connections with TLS, one recipient for each message, outcomes as in the contract. */

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { getCACertificates } from 'node:tls'
import nodemailer, { type SendMailOptions, type SMTPPoolOptions } from 'nodemailer'
import type { SmtpSettings } from '../../config/providers/smtp.ts'
import { DeliveryError, type Message, type Provider, type ReceiptSink } from '../../delivery/provider.ts'
import { type BounceAddresses, bounceAddresses } from './bounce-address.ts'
import { type BounceListener, listenForBounces } from './bounce-listener.ts'
import { readBounceSecret } from './bounce-secret.ts'
import { deliveryErrorOf, type SmtpFailure } from './smtp-outcome.ts'
import { smtpUtf8 } from './smtp-utf8.ts'

/** The time limit of name look-up, TCP and TLS together, and then again of the greeting. */
const connectTimeoutMs = 3_000
/** The silence after which a connection is given up, just less than a dispatch may take. */
const answerTimeoutMs = 9_000
/** When an idle connection is closed by QUIT, before that silence would cut it. */
const idleTimeoutMs = 8_000

/** A text that would be two recipients, or a command. No address that passed the parser matches. */
const unsafeMailbox = /[\s\p{Cc},;:<>()[\]"\\]|@.*@|^[^@]*$/u

/** @throws Error if a file it names cannot be read. */
export function createSmtpProvider(
  settings: SmtpSettings & { readonly name: string },
  receive: ReceiptSink,
): Provider {
  const { from, bounces } = settings
  let listener: BounceListener | undefined
  let addresses: BounceAddresses | undefined
  // Read, or made, at first need, so that a command that only inspects leaves no file behind.
  const addressesIn = ({ domain, secretFile }: NonNullable<typeof bounces>) => {
    addresses ??= bounceAddresses(domain, readBounceSecret(secretFile))
    return addresses
  }
  const utf8 = smtpUtf8({ ...poolOptions(settings), pool: false })
  const transport = nodemailer.createTransport(poolOptions(settings))
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1)

  // The part of the body that has been read shows the meaning of a lost connection: nodemailer reads the body only after
  // the server's 354, and writes the final dot only after it has read all of it.
  const bodies = new Map<string | undefined, Readable>()
  transport.use('stream', (mail, done) => {
    const { message } = mail
    const createReadStream = message.createReadStream.bind(message)
    message.createReadStream = (options) => {
      const body = createReadStream(options)
      bodies.set(mail.data.messageId, body)
      return body
    }
    done()
  })

  return {
    name: settings.name,
    channels: ['email'],
    hasReceipts: bounces !== null,

    async send(message, { signal }) {
      const { to } = message
      if (to.kind !== 'email') throw new DeliveryError('refused', 'not an e-mail address')
      if (unsafeMailbox.test(to.mailbox)) throw new DeliveryError('refused', 'not one mailbox')
      if (to.needsSmtpUtf8 && !(await isUtf8Offered(signal)))
        // Another carrier may offer it. `throttled` does not count against this one.
        throw new DeliveryError('throttled', 'the mailbox needs SMTPUTF8, which this server does not offer')
      const messageId = `<${message.id}@${domain}>`
      try {
        const sent = await transport.sendMail({ ...mailOf(message, to.mailbox), messageId, signal })
        // Some servers replace the Message-ID, and a bounce will have theirs.
        const id = sent.serverMessageId ?? messageId
        return bounces ? { id, receiptKey: message.id } : { id }
      } catch (error) {
        const wasHandedOver = bodies.get(messageId)?.readableEnded === true
        throw deliveryErrorOf(error as SmtpFailure, wasHandedOver, to.mailbox)
      } finally {
        bodies.delete(messageId)
      }
    },

    provesCredentials: settings.user !== null, // verify logs in

    async check() {
      await transport.verify().catch((error: SmtpFailure) => {
        throw deliveryErrorOf(error, false, '')
      })
    },

    ...(bounces && {
      async start() {
        listener = await listenForBounces(bounces.listen, addressesIn(bounces), receive)
      },
    }),

    async close() {
      await listener?.[Symbol.asyncDispose]()
      transport.close()
    },
  }

  async function isUtf8Offered(signal: AbortSignal): Promise<boolean> {
    try {
      signal.throwIfAborted()
      return await Promise.race([utf8.isOffered(), aborted(signal)])
    } catch (error) {
      throw deliveryErrorOf(error as SmtpFailure, false, '')
    }
  }

  function mailOf(message: Message, mailbox: string): SendMailOptions {
    // As an object, in the envelope too, because nodemailer splits a string at commas into several recipients.
    const to = { name: '', address: mailbox }
    const envelopeSender = bounces ? addressesIn(bounces).addressOf(message.id) : from.address
    return {
      to,
      from: { name: from.name, address: from.address },
      envelope: { from: { name: '', address: envelopeSender }, to: [to] },
      ...(bounces && { dsn: statusWanted(message.id, mailbox) }),
      maxRecipients: 1,
      subject: message.subject ?? '',
      text: message.text,
      ...(message.html !== undefined && { html: message.html }),
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    }
  }
}

/**
 * The reports to ask for, at a server that offers DSN (RFC 3461); nodemailer omits them for others. No report of success:
 * it only shows that the next server took the mail, not that anybody reads it.
 */
function statusWanted(messageId: string, mailbox: string): NonNullable<SendMailOptions['dsn']> {
  return {
    id: messageId,
    return: 'headers',
    notify: ['failure', 'delay'],
    // Left out for a mailbox beyond ASCII, which needs another form (RFC 6533 3) that few servers know.
    ...(isAscii(mailbox) && { recipient: `rfc822;${mailbox}` }),
  }
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7E]*$/.test(text)
}

/** Rejects once the signal aborts. */
async function aborted(signal: AbortSignal): Promise<never> {
  await once(signal, 'abort')
  throw signal.reason
}

function poolOptions(settings: SmtpSettings): SMTPPoolOptions & { pool: true } {
  const { host, port, security, user, password, connections, dkim, caFile } = settings
  return {
    pool: true,
    maxConnections: connections,
    // nodemailer may try once more if a pooled connection was dead before a byte of the message went out. Further tries
    // are up to the outbox, which knows the deadline and the other providers.
    maxRequeues: 1,
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: {
      minVersion: 'TLSv1.2',
      ...(caFile !== null && { ca: [...getCACertificates('default'), readFileSync(caFile, 'utf8')] }),
    },
    // Without forceAuth nodemailer would skip the login at a server that offers none.
    ...(user !== null && { auth: { user, pass: password ?? '' }, forceAuth: true }),
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: connectTimeoutMs,
    socketTimeout: answerTimeoutMs,
    idleTimeout: idleTimeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(dkim && {
      dkim: {
        domainName: dkim.domain,
        keySelector: dkim.selector,
        privateKey: readFileSync(dkim.privateKeyFile, 'utf8'),
      },
    }),
  }
}
