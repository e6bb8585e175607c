/** E-mail addresses: a dot-atom at a domain of DNS names, in the form to send to and the form to compare. */

import { domainToASCII } from 'node:url'
import type { Parsed } from './parsed.ts'

export type EmailAddress = {
  readonly kind: 'email'
  /** For sending: local part as typed, domain as lower-case A-labels. */
  readonly mailbox: string
  /** The address's identity: `mailbox` with the local part folded (NFC, lower case). */
  readonly canonical: string
  /** The local part is not ASCII: only a mail server with SMTPUTF8 can take it. */
  readonly needsSmtpUtf8: boolean
}

const longestLocalPart = 64
const longestAddress = 254

/** RFC 5322 atext, and with RFC 6532 any letter, mark or digit beyond ASCII: no quotes, no comments. */
const dotAtom = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/
/** What may be typed for a domain, before IDNA: `domainToASCII` alone would take more. */
const typedDomain = /^[\p{L}\p{M}\p{N}.-]+$/u

/**
 * Parses an e-mail address. Strict, for what passes goes into SMTP commands and headers: nothing
 * that separates addresses, quotes, or breaks lines gets through.
 */
export function parseEmailAddress(text: string): Parsed<EmailAddress> {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, Math.max(0, at))
  const typed = text.slice(at + 1)
  if (!dotAtom.test(local)) return { kind: 'refused', reason: 'local-part' }
  if (!typedDomain.test(typed) || typed.length > longestAddress) return { kind: 'refused', reason: 'domain' }
  const domain = domainToASCII(typed).toLowerCase()
  const labels = domain.split('.')
  // A top-level domain of digits would be an IP address without brackets.
  if (labels.length < 2 || !labels.every((one) => label.test(one)) || /^\d+$/.test(labels.at(-1)!))
    return { kind: 'refused', reason: 'domain' }
  const mailbox = `${local.normalize('NFC')}@${domain}`
  if (Buffer.byteLength(local) > longestLocalPart || Buffer.byteLength(mailbox) > longestAddress)
    return { kind: 'refused', reason: 'length' }
  // Not every lower-case form is its own: İ folds to two characters, the first of them i.
  const canonical = `${local.normalize('NFC').toLowerCase().normalize('NFC')}@${domain}`
  return {
    kind: 'parsed',
    address: { kind: 'email', mailbox, canonical, needsSmtpUtf8: Buffer.byteLength(local) > local.length },
  }
}
