/** Mail by SMTP: pooled connections with TLS, one recipient a message, outcomes as the contract knows them. */

import { readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { getCACertificates } from 'node:tls'
import nodemailer, { type SendMailOptions, type SMTPPoolOptions } from 'nodemailer'
import { DeliveryError, type Message, type Provider } from '../../delivery/provider.ts'
import { deliveryErrorOf, type SmtpFailure } from './smtp-outcome.ts'

export type SmtpSettings = {
  readonly name: string
  readonly host: string
  readonly port: number
  /** tls: from the first byte · starttls: demanded, not tried · none: a server on this machine. */
  readonly security: 'tls' | 'starttls' | 'none'
  readonly user: string | null
  readonly password: string | null
  readonly from: { readonly name: string; readonly address: string }
  /** Where bounces go, if not to `from`. */
  readonly envelopeFrom?: string | null
  readonly connections: number
  readonly dkim: {
    readonly domain: string
    readonly selector: string
    readonly privateKeyFile: string
  } | null
  /** Certificate authorities to trust beside the system's. */
  readonly caFile: string | null
  /** Mail to mailboxes beyond ASCII: only for a server known to offer SMTPUTF8. */
  readonly isSmtpUtf8?: boolean
}

/** Name look-up, TCP and TLS together, and then the greeting. */
const connectTimeoutMs = 3_000
/** Silence after which a connection is given up: just less than a dispatch may take. */
const answerTimeoutMs = 9_000
/** An idle connection says goodbye before that silence would end it without a word. */
const idleTimeoutMs = 8_000

/** Nothing that passed the address parser matches. What does would be two recipients, or a command. */
const unsafeMailbox = /[\s\p{Cc},;:<>()[\]"\\]|@.*@|^[^@]*$/u

/** @throws Error if a file it names cannot be read. */
export function createSmtpProvider(settings: SmtpSettings): Provider {
  const { from } = settings
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
    hasReceipts: false,

    async send(message, { signal }) {
      const { to } = message
      if (to.kind !== 'email') throw new DeliveryError('refused', 'not an e-mail address')
      if (unsafeMailbox.test(to.mailbox)) throw new DeliveryError('refused', 'not one mailbox')
      // nodemailer sends such a mailbox as it is, also to a server that never offered SMTPUTF8.
      if (to.needsSmtpUtf8 && settings.isSmtpUtf8 !== true)
        throw new DeliveryError('refused', 'the mailbox needs SMTPUTF8')
      const messageId = `<${message.id}@${domain}>`
      try {
        const sent = await transport.sendMail({ ...mailOf(message, to.mailbox), messageId, signal })
        // Some servers replace the Message-ID; theirs is the one a bounce will name.
        return { id: sent.serverMessageId ?? messageId }
      } catch (error) {
        const wasHandedOver = bodies.get(messageId)?.readableEnded === true
        throw deliveryErrorOf(error as SmtpFailure, wasHandedOver, to.mailbox)
      } finally {
        bodies.delete(messageId)
      }
    },

    async check() {
      await transport.verify().catch((error: SmtpFailure) => {
        throw deliveryErrorOf(error, false, '')
      })
    },

    async close() {
      transport.close()
    },
  }

  function mailOf(message: Message, mailbox: string): SendMailOptions {
    // The object form, in the envelope too: a string is split at commas, into recipients nobody meant.
    const to = { name: '', address: mailbox }
    return {
      to,
      from: { name: from.name, address: from.address },
      envelope: { from: { name: '', address: settings.envelopeFrom ?? from.address }, to: [to] },
      maxRecipients: 1,
      subject: message.subject ?? '',
      text: message.text,
      ...(message.html !== undefined && { html: message.html }),
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    }
  }
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
