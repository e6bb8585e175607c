/** What a mail server's answer, or the lack of one, means for a message. */

import type { NodemailerError } from 'nodemailer'
import { DeliveryError, type DeliveryErrorKind } from '../../delivery/provider.ts'

export type SmtpFailure = Pick<NodemailerError, 'code' | 'command' | 'response' | 'responseCode' | 'message'>

/**
 * @param error  As nodemailer throws it.
 * @param wasHandedOver  The whole body went out, its end included: the server may have taken it.
 * @param mailbox  Kept out of the words; '' if there is none.
 */
export function deliveryErrorOf(error: SmtpFailure, wasHandedOver: boolean, mailbox: string): DeliveryError {
  // Without the cause: its message and fields hold the whole address.
  return new DeliveryError(kindOf(error, wasHandedOver), wordsOf(error, mailbox))
}

function kindOf(error: SmtpFailure, wasHandedOver: boolean): DeliveryErrorKind {
  const status = error.responseCode
  // No answer, or one to nothing we asked. Before the body's end no server may take a message (RFC 5321 4.1.1.4).
  if (status === undefined || status < 400) return wasHandedOver ? 'unknown' : 'unavailable'
  if (status < 500) return later.has(status) ? 'throttled' : 'unavailable'
  return isOurs(error, status) ? 'unavailable' : 'refused'
}

/** Closing, mailbox busy or greylisted, local trouble, no room: the same server takes it later. */
const later: ReadonlySet<number> = new Set([421, 450, 451, 452])

/** Bad sequence, and the refusals of RFC 4954: log in first, too weak, wrong, not encrypted. */
const sessionRefusals: ReadonlySet<number> = new Set([503, 530, 534, 535, 538])

/**
 * Refusals of us rather than of the recipient: another provider may do better, a recipient must not
 * lose their message to a wrong password, and operators have to hear of it.
 */
function isOurs({ command, response = '' }: SmtpFailure, status: number): boolean {
  // Greeting, EHLO, STARTTLS, AUTH and MAIL FROM come before any word of a recipient.
  if (command !== 'RCPT TO' && command !== 'DATA') return true
  if (sessionRefusals.has(status)) return true
  // RFC 7372: the sender's SPF or DKIM failed. RFC 3463 has no code of its own for "we do not relay for you".
  return /^\d{3}[ -]5\.7\.2\d\b/.test(response) || /\brelay/i.test(response)
}

/** Status and words as the server gave them. */
function wordsOf(error: SmtpFailure, mailbox: string): string {
  const told = error.response ?? `${error.code ?? ''} ${error.message}`
  return withoutSecrets(told.replace(/\r?\n\d{3}[ -]/g, ' '), [mailbox]) // many lines repeat the status on each
}

const mostWords = 160
/** Nothing beyond is looked at: it is other people's text, and the search for addresses takes its square. */
const mostSearched = 2_000
/** A mail has one recipient, under two names at most. */
const mostMailboxes = 4
/** Octets of a local part (RFC 5321 4.5.3.1.1), some of them perhaps written as three. */
const longestLocal = 192

/**
 * Words of a mail server, less addresses and any digits that could be the code.
 * @param mailboxes  Whose local parts are taken out too.
 */
export function withoutSecrets(told: string, mailboxes: readonly string[]): string {
  // What is cut off could be the half of an address.
  const whole = told.length > mostSearched ? told.slice(0, mostSearched).replace(/\S*$/, '') : told
  let words = whole.replace(/\S*@\S*/g, '…')
  for (const mailbox of mailboxes.slice(0, mostMailboxes)) {
    const local = mailbox.slice(0, mailbox.lastIndexOf('@'))
    if (local.length >= 3 && local.length <= longestLocal)
      words = words.replace(new RegExp(RegExp.escape(local), 'gi'), '…')
  }
  return words
    .replace(/\d{6,}/g, '…')
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, mostWords)
}
