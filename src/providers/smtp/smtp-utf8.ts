/** Asks a mail server, now and then, whether it takes mailboxes beyond ASCII (RFC 6531). */

import nodemailer, { type SMTPTransportOptions } from 'nodemailer'

/** How long an answer is kept: servers are seldom upgraded, but a wrong answer must not last. */
const askAgainMs = 600_000

export type SmtpUtf8 = {
  /** @throws As nodemailer does, if the server cannot be asked. */
  isOffered(): Promise<boolean>
}

/**
 * nodemailer sends such a mailbox even to a server that did not offer SMTPUTF8, and does not expose the offers of the
 * server. Its log has the server's answers and is part of its interface, so they are read there.
 * @param options  Those of the connections that send mail.
 */
export function smtpUtf8(options: SMTPTransportOptions): SmtpUtf8 {
  let known: { at: number; answer: Promise<boolean> } | undefined
  async function ask(): Promise<boolean> {
    let isOffered = false
    const note = ({ tnx }: { tnx?: string }, text: unknown) => {
      // In such a short session only EHLO is answered with 250. The last answer counts: after STARTTLS there is a second
      // one, and an attacker on the way could have changed the first.
      if (tnx === 'server' && /^250[ -]/.test(String(text)))
        isOffered = /^250[ -]SMTPUTF8\b/im.test(String(text))
    }
    const logger = { level() {}, trace: note, debug: note, info: note, warn: note, error: note, fatal: note }
    const transport = nodemailer.createTransport({ ...options, logger, debug: true } as SMTPTransportOptions)
    try {
      await transport.verify()
      return isOffered
    } finally {
      transport.close()
    }
  }
  return {
    isOffered() {
      const now = performance.now()
      if (!known || now - known.at > askAgainMs) {
        const answer = ask()
        const one = { at: now, answer }
        known = one
        answer.catch(() => {
          if (known === one) known = undefined
        })
      }
      return known.answer
    },
  }
}
