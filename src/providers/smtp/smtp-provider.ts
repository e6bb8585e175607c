/** Mail by SMTP: pooled connections with TLS, one recipient a message, outcomes as the contract knows them. */

import { readFileSync } from 'node:fs'
import nodemailer from 'nodemailer'
import type { SMTPError } from 'nodemailer/lib/smtp-connection/index.js'
import { DeliveryError, type Message, type Provider } from '../../delivery/provider.ts'

export type SmtpSettings = {
  readonly name: string
  readonly host: string
  readonly port: number
  /** tls: from the first byte · starttls: demanded, not tried · none: a server on this machine. */
  readonly security: 'tls' | 'starttls' | 'none'
  readonly user: string | null
  readonly password: string | null
  readonly from: { readonly name: string; readonly address: string }
  readonly connections: number
  readonly dkim: {
    readonly domain: string
    readonly selector: string
    readonly privateKeyFile: string
  } | null
  /** Certificate authorities to trust beside the system's. */
  readonly caFile: string | null
}

const connectTimeoutMs = 3_000
const answerTimeoutMs = 9_000

/** Our own faults, not the recipient's: another provider may do better, and operators must hear of it. */
const loginCommands = new Set(['AUTH', 'MAIL FROM', 'EHLO', 'HELO', 'STARTTLS', 'CONN'])

export function createSmtpProvider(settings: SmtpSettings): Provider {
  const { host, port, security, user, password, from, connections, dkim, caFile } = settings
  const transport = nodemailer.createTransport({
    pool: true,
    maxConnections: connections,
    host,
    port,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: { minVersion: 'TLSv1.2', ...(caFile !== null && { ca: readFileSync(caFile) }) },
    ...(user !== null && { auth: { user, pass: password ?? '' } }),
    connectionTimeout: connectTimeoutMs,
    greetingTimeout: connectTimeoutMs,
    socketTimeout: answerTimeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(dkim && {
      dkim: {
        domainName: dkim.domain,
        keySelector: dkim.selector,
        privateKey: readFileSync(dkim.privateKeyFile, 'utf8'),
      },
    }),
  })
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1)

  return {
    name: settings.name,
    channels: ['email'],

    async send(message, { signal }) {
      const { to } = message
      if (to.kind !== 'email') throw new DeliveryError('refused', 'not an e-mail address')
      // nodemailer would send such a local part to a server that never offered SMTPUTF8.
      if (to.needsSmtpUtf8) throw new DeliveryError('refused', 'the mailbox needs SMTPUTF8')
      signal.throwIfAborted()
      try {
        const sent = await transport.sendMail(mailOf(message, to.mailbox))
        return { id: sent.messageId }
      } catch (error) {
        throw deliveryErrorOf(error as Partial<SMTPError>, to.mailbox)
      }
    },

    async check() {
      // verify() goes as far as a login; what fails there is no recipient's fault.
      await transport.verify().catch((error: Partial<SMTPError>) => {
        throw new DeliveryError('unavailable', wordsOf(error, ''))
      })
    },

    async close() {
      transport.close()
    },
  }

  function mailOf(message: Message, mailbox: string) {
    return {
      // The object form: a string would be split at commas, into recipients nobody meant.
      to: { name: '', address: mailbox },
      from: { name: from.name, address: from.address },
      envelope: { from: from.address, to: [mailbox] },
      subject: message.subject ?? '',
      text: message.text,
      ...(message.html !== undefined && { html: message.html }),
      // The same on every dispatch of a message, so that mail servers can drop a second one.
      messageId: `<${message.id}@${domain}>`,
      headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
    }
  }
}

function deliveryErrorOf(error: Partial<SMTPError>, mailbox: string): DeliveryError {
  const words = wordsOf(error, mailbox)
  const options = { cause: error }
  const status = error.responseCode
  if (status !== undefined && status >= 500)
    return new DeliveryError(
      loginCommands.has(error.command ?? '') ? 'unavailable' : 'refused',
      words,
      options,
    )
  if (status === 421 || status === 450 || status === 451 || status === 452)
    return new DeliveryError('throttled', words, options)
  if (status !== undefined) return new DeliveryError('unavailable', words, options)
  // A connection lost once DATA was under way may have been lost after the server took the message.
  const isUnknown = error.command === 'DATA' || error.command === undefined
  const neverLeft = ['ECONNREFUSED', 'ENOTFOUND', 'EDNS', 'EAUTH', 'ETLS', 'ECONNECTION', 'EMESSAGE']
  return new DeliveryError(
    isUnknown && !neverLeft.includes(error.code ?? '') ? 'unknown' : 'unavailable',
    words,
    options,
  )
}

/** The server's own words, without the address and without digits that could be the code. */
function wordsOf(error: Partial<SMTPError>, mailbox: string): string {
  const response = error.response ?? `${error.code ?? ''} ${error.message ?? ''}`
  const bare =
    mailbox === '' ? response : response.replaceAll(mailbox, '…').replaceAll(mailbox.toLowerCase(), '…')
  return bare
    .replace(/\S+@\S+/g, '…')
    .replace(/\d{6,}/g, '…')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, 160)
}
