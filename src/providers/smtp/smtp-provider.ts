/** Mail by SMTP: pooled connections with TLS, one recipient a message, outcomes as the contract knows them. */

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

/** Name look-up, TCP and TLS together, and then the greeting. */
const connectTimeoutMs = 3_000
/** Silence after which a connection is given up: just less than a dispatch may take. */
const answerTimeoutMs = 9_000
/** An idle connection says goodbye before that silence would end it without a word. */
const idleTimeoutMs = 8_000

/** Nothing that passed the address parser matches. What does would be two recipients, or a command. */
const unsafeMailbox = /[\s\p{Cc},;:<>()[\]"\\]|@.*@|^[^@]*$/u

/** @throws Error if a file it names cannot be read. */
export function createSmtpProvider(
  settings: SmtpSettings & { readonly name: string },
  receive: ReceiptSink,
): Provider {
  const { from, bounces } = settings
  let listener: BounceListener | undefined
  let addresses: BounceAddresses | undefined
  // Read, or made, by the first who needs it: a command that only looks leaves no file behind.
  const addressesIn = ({ domain, secretFile }: NonNullable<typeof bounces>) => {
    addresses ??= bounceAddresses(domain, readBounceSecret(secretFile))
    return addresses
  }
  const utf8 = smtpUtf8({ ...poolOptions(settings), pool: false })
  const transport = nodemailer.createTransport(poolOptions(settings))
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1)

  // How far a message's body has been read tells what a lost connection means: nodemailer reads it only
  // once the server has said 354, and writes the final dot only when it has read all of it.
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
        // Another carrier may offer it; nothing is held against this one.
        throw new DeliveryError('throttled', 'the mailbox needs SMTPUTF8, which this server does not offer')
      const messageId = `<${message.id}@${domain}>`
      try {
        const sent = await transport.sendMail({ ...mailOf(message, to.mailbox), messageId, signal })
        // Some servers replace the Message-ID; theirs is the one a bounce will name.
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
    // The object form, in the envelope too: a string is split at commas, into recipients nobody meant.
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
 * What a server that offers DSN is asked for (RFC 3461); nodemailer says nothing of it to others. No success:
 * that its next server took a mail is no proof that anybody reads it.
 */
function statusWanted(messageId: string, mailbox: string): NonNullable<SendMailOptions['dsn']> {
  return {
    id: messageId,
    return: 'headers',
    notify: ['failure', 'delay'],
    // Beyond ASCII it would need a form of its own (RFC 6533 3), which few servers know.
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
    // Once more if a pooled connection turns out dead before a byte of the message went out; beyond that
    // the outbox decides, which knows the deadline and the other providers.
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
    // forceAuth: nodemailer would go on without a login at a server that offers none.
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
