/** What a mail server's answer, or the lack of one, means for a message. */

import type { NodemailerError } from 'nodemailer'
import { carrierWords } from '../../carrier-words.ts'
import { DeliveryError, type DeliveryErrorKind } from '../../delivery/provider.ts'
import { isOfTheMailbox } from './mailbox-refusal.ts'

export type SmtpFailure = Pick<NodemailerError, 'code' | 'command' | 'response' | 'responseCode' | 'message'>

/**
 * @param error  As nodemailer throws it.
 * @param wasHandedOver  The whole body went out, its end included: the server may have taken it.
 * @param mailbox  Kept out of the words; '' if there is none.
 */
export function deliveryErrorOf(error: SmtpFailure, wasHandedOver: boolean, mailbox: string): DeliveryError {
  // Without the cause: its message and fields hold the whole address.
  return new DeliveryError(kindOf(error, wasHandedOver, mailbox), wordsOf(error, mailbox))
}

function kindOf(error: SmtpFailure, wasHandedOver: boolean, mailbox: string): DeliveryErrorKind {
  const { responseCode: status, command, response = '' } = error
  // No answer, or one to nothing we asked. Before the body's end no server may take a message (RFC 5321 4.1.1.4).
  if (status === undefined || status < 400) return wasHandedOver ? 'unknown' : 'unavailable'
  if (later.has(status)) return 'throttled'
  if (status >= 500 && isOfTheMailbox({ command, status, response }, mailbox)) return 'refused'
  // A full mailbox may be emptied, and says nothing of the carrier. RFC 3463 3.3 calls 5.2.2 persistent too.
  if (/^552[ -]5\.2\.2\b/.test(response)) return 'throttled'
  // All else refuses us, or does not say whom: another carrier may do better, nobody may lose their message to a
  // wrong password, and operators have to hear of it.
  return 'unavailable'
}

/** Closing, mailbox busy or greylisted, local trouble, no room: the same server takes it later. */
const later: ReadonlySet<number> = new Set([421, 450, 451, 452])

/** Status and words as the server gave them. */
function wordsOf(error: SmtpFailure, mailbox: string): string {
  const told = error.response ?? `${error.code ?? ''} ${error.message}`
  return withoutSecrets(told.replace(/\r?\n\d{3}[ -]/g, ' '), [mailbox]) // many lines repeat the status on each
}

/** A mail has one recipient, under two names at most. */
const maxMailboxes = 4
/** Octets of a local part (RFC 5321 4.5.3.1.1), some of them perhaps written as three. */
const maxLocal = 192

/**
 * Words of a mail server, less addresses and any digits that could be the code.
 * @param mailboxes  Whose local parts are taken out too.
 */
export function withoutSecrets(told: string, mailboxes: readonly string[]): string {
  const locals = mailboxes
    .slice(0, maxMailboxes)
    .map((mailbox) => mailbox.slice(0, mailbox.lastIndexOf('@')))
    .filter((local) => local.length <= maxLocal)
  return carrierWords(told, locals, { isMailServer: true })
}
