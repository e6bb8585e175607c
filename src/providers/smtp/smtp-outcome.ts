/** Turns a mail server's answer, or the lack of one, into the outcome for a message. */

import type { NodemailerError } from 'nodemailer'
import { carrierWords } from '../../carrier-words.ts'
import { DeliveryError, type DeliveryErrorKind } from '../../delivery/provider.ts'
import { isOfTheMailbox } from './mailbox-refusal.ts'

export type SmtpFailure = Pick<NodemailerError, 'code' | 'command' | 'response' | 'responseCode' | 'message'>

/**
 * @param error  As nodemailer throws it.
 * @param wasHandedOver  Whether the whole body with its final dot went out: if so, the server may have taken the message.
 * @param mailbox  Removed from the words; '' if there is none.
 */
export function deliveryErrorOf(error: SmtpFailure, wasHandedOver: boolean, mailbox: string): DeliveryError {
  // The cause is left out because its message and fields hold the whole address.
  return new DeliveryError(kindOf(error, wasHandedOver, mailbox), wordsOf(error, mailbox))
}

function kindOf(error: SmtpFailure, wasHandedOver: boolean, mailbox: string): DeliveryErrorKind {
  const { responseCode: status, command, response = '' } = error
  // No answer, or a success where none was due. No server may take a message before its end (RFC 5321 4.1.1.4).
  if (status === undefined || status < 400) return wasHandedOver ? 'unknown' : 'unavailable'
  if (later.has(status)) return 'throttled'
  if (status >= 500 && isOfTheMailbox({ command, status, response }, mailbox)) return 'refused'
  // A full mailbox may be emptied later, and it is not the carrier's fault. RFC 3463 3.3 calls 5.2.2 persistent too.
  if (/^552[ -]5\.2\.2\b/.test(response)) return 'throttled'
  // Every other answer refuses us, or leaves open what it refuses. Another carrier may succeed: nobody may lose a message
  // to a wrong password, and operators must learn of it.
  return 'unavailable'
}

/** Server closing, mailbox busy or greylisted, local error, no space: the same server takes the message later. */
const later: ReadonlySet<number> = new Set([421, 450, 451, 452])

/** The status and the words of the server. */
function wordsOf(error: SmtpFailure, mailbox: string): string {
  const told = error.response ?? `${error.code ?? ''} ${error.message}`
  return withoutSecrets(told.replace(/\r?\n\d{3}[ -]/g, ' '), [mailbox]) // an answer of many lines repeats the status on each
}

/** The most mailboxes removed from the words. A mail has one recipient, with at most two spellings. */
const maxMailboxes = 4
/** Three times the octets of a local part (RFC 5321 4.5.3.1.1), because an octet may be written as three characters. */
const maxLocal = 192

/**
 * The words of a mail server without addresses and without digits that could be the code.
 * @param mailboxes  Mailboxes whose local parts are removed too.
 */
export function withoutSecrets(told: string, mailboxes: readonly string[]): string {
  const locals = mailboxes
    .slice(0, maxMailboxes)
    .map((mailbox) => mailbox.slice(0, mailbox.lastIndexOf('@')))
    .filter((local) => local.length <= maxLocal)
  return carrierWords(told, locals, { isMailServer: true })
}
