/** Whether a mail server takes mailboxes beyond ASCII (RFC 6531): asked of the server itself, now and then. */

import nodemailer, { type SMTPTransportOptions } from 'nodemailer'

/** Servers are upgraded seldom; a wrong answer must not last. */
const askAgainMs = 600_000

export type SmtpUtf8 = {
  /** @throws As nodemailer does, if the server cannot be asked. */
  isOffered(): Promise<boolean>
}

/**
 * nodemailer sends such a mailbox as it is, also to a server that never offered SMTPUTF8, and keeps what
 * the server did offer to itself. Its log of what the server said is public.
 * @param options  Of a connection such as mail goes by.
 */
export function smtpUtf8(options: SMTPTransportOptions): SmtpUtf8 {
  let known: { at: number; answer: Promise<boolean> } | undefined
  async function ask(): Promise<boolean> {
    let isOffered = false
    const note = ({ tnx }: { tnx?: string }, text: unknown) => {
      // Greetings alone are answered 250 here, and the last one counts: STARTTLS brings a second one, and
      // what was said before it anybody on the way may have put in.
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
