/**
 * E-mail addresses, in the form to send to and the form to compare: a dot-atom at a domain of DNS names. At named domains
 * the part before the `@` may have more dots.
 */

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
const maxLocalPartOctets = 64
const maxAddressOctets = 254

/** RFC 5322 atext, and with RFC 6532 any letter, mark or digit beyond ASCII: no quotes, no comments. */
const dotAtom = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+(?:\.[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+)*$/u
/** The same, with dots anywhere but in front: some Japanese carriers gave out such addresses until 2009. */
const dottedAtom = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-][\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~.-]*$/u
/** The characters of a domain as typed, before IDNA: `domainToASCII` alone accepts more. */
const typedDomain = /^[\p{L}\p{M}\p{N}.-]+$/u
/** Letters and marks that show nothing (U+3164, U+034F …). With them two different addresses would look the same. */
const invisible = /\p{Default_Ignorable_Code_Point}/u
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/**
 * Parses an e-mail address. It is strict because the result goes into SMTP commands and headers: no character that
 * separates addresses, quotes or breaks lines gets through. Never throws.
 * @param typed  Full-width forms and ideographic full stops are read as the ASCII characters they stand for.
 * @param dottedDomains  Domains, in lower-case A-labels, where a local part may have double or final dots.
 */
export function parseEmailAddress(
  typed: string,
  dottedDomains: readonly string[] = [],
): Parsed<EmailAddress> {
  if (typed.length > maxAddressOctets) return { kind: 'refused', reason: 'length' }
  const text = inPlainWidth(typed)
  const at = text.lastIndexOf('@')
  // Normalised before it is checked or sent, because NFC turns some letters into ASCII (U+212A into K). Otherwise mail
  // would go to a mailbox that differs from the canonical form, and could be another person's.
  const local = text.slice(0, Math.max(0, at)).normalize('NFC')
  if (!dottedAtom.test(local) || invisible.test(local)) return { kind: 'refused', reason: 'local-part' }
  const isPlain = dotAtom.test(local)
  if (!isPlain && dottedDomains.length === 0) return { kind: 'refused', reason: 'local-part' }
  const domain = domainOf(text.slice(at + 1))
  if (domain === undefined) return { kind: 'refused', reason: 'domain' }
  if (!isPlain && !dottedDomains.includes(domain)) return { kind: 'refused', reason: 'local-part' }
  const mailbox = `${local}@${domain}`
  const localOctets = Buffer.byteLength(local)
  if (localOctets > maxLocalPartOctets || localOctets + 1 + domain.length > maxAddressOctets)
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
  // domainToASCII does not check a typed A-label. One that decodes to no letters comes back unchanged: refused.
  if (labels.some((one) => one.startsWith('xn--') && domainToUnicode(one) === one)) return undefined
  return domain
}
