/** E-mail addresses: a dot-atom, or for named domains one with more dots, at a domain of DNS names, in the form to send to and the form to compare. */

import { domainToASCII, domainToUnicode } from 'node:url'
import type { Parsed } from './parsed.ts'
import { inPlainWidth } from './typed.ts'

export type EmailAddress = {
  readonly kind: 'email'
  /** For sending: local part as typed (in NFC), domain as lower-case A-labels. */
  readonly mailbox: string
  /** The address's identity: `mailbox` with the local part folded (NFC, lower case). */
  readonly canonical: string
  /** The local part is not ASCII: only a mail server with SMTPUTF8 can take it. */
  readonly needsSmtpUtf8: boolean
}

/** RFC 5321 4.5.3.1.1, and 4.5.3.1.3 less the angle brackets; in octets. */
const longestLocalPart = 64
const longestAddress = 254

/** RFC 5322 atext, and with RFC 6532 any letter, mark or digit beyond ASCII: no quotes, no comments. */
const dotAtom = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u
/** The same, with dots anywhere but in front: what some Japanese carriers gave out until 2009. */
const dottedAtom = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-][\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~.-]*$/u
/** What may be typed for a domain, before IDNA: `domainToASCII` alone would take more. */
const typedDomain = /^[\p{L}\p{M}\p{N}.-]+$/u
/** Some letters and marks show nothing (U+3164, U+034F …): two addresses would look like one. */
const invisible = /\p{Default_Ignorable_Code_Point}/u
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * Parses an e-mail address. Strict, for what passes goes into SMTP commands and headers: nothing
 * that separates addresses, quotes, or breaks lines gets through. Never throws.
 * @param typed  Full-width forms and ideographic full stops are read as what they stand for.
 * @param dottedDomains  Domains, in lower-case A-labels, where a local part may have double or final dots.
 */
export function parseEmailAddress(
  typed: string,
  dottedDomains: readonly string[] = [],
): Parsed<EmailAddress> {
  if (typed.length > longestAddress) return { kind: 'refused', reason: 'length' }
  const text = inPlainWidth(typed)
  const at = text.lastIndexOf('@')
  // Normalised before anything is judged or sent: NFC makes ASCII of some letters (U+212A is K), and a
  // mailbox that differs from its canonical form by such a letter would be someone else's.
  const local = text.slice(0, Math.max(0, at)).normalize('NFC')
  if (!dottedAtom.test(local) || invisible.test(local)) return { kind: 'refused', reason: 'local-part' }
  const isPlain = dotAtom.test(local)
  if (!isPlain && dottedDomains.length === 0) return { kind: 'refused', reason: 'local-part' }
  const domain = domainOf(text.slice(at + 1))
  if (domain === undefined) return { kind: 'refused', reason: 'domain' }
  if (!isPlain && !dottedDomains.includes(domain)) return { kind: 'refused', reason: 'local-part' }
  const mailbox = `${local}@${domain}`
  const localOctets = Buffer.byteLength(local)
  if (localOctets > longestLocalPart || localOctets + 1 + domain.length > longestAddress)
    return { kind: 'refused', reason: 'length' }
  const canonical = `${local.toLowerCase().normalize('NFC')}@${domain}`
  return {
    kind: 'parsed',
    address: { kind: 'email', mailbox, canonical, needsSmtpUtf8: localOctets > local.length },
  }
}

/** A domain as lower-case A-labels, or undefined if it is no name that mail could go to. */
function domainOf(typed: string): string | undefined {
  if (!typedDomain.test(typed) || invisible.test(typed)) return undefined
  const domain = domainToASCII(typed)
  const labels = domain.split('.')
  if (labels.length < 2 || !labels.every((one) => label.test(one))) return undefined
  // A top-level domain of digits is an IP address without its brackets.
  if (/^\d+$/.test(labels.at(-1)!)) return undefined
  // domainToASCII does not look into an A-label that was typed; one that stands for nothing stays as it is.
  if (labels.some((one) => one.startsWith('xn--') && domainToUnicode(one) === one)) return undefined
  return domain
}
