/** Addresses: the union of the kinds, their identity, their limiter key and their mask. */

import { type EmailAddress, parseEmailAddress } from './email-address.ts'
import { type NumberRules, noNumberRules } from './number-rules.ts'
import type { Parsed } from './parsed.ts'
import { type PhoneNumber, parsePhoneNumber } from './phone-number.ts'
import { inPlainWidth } from './typed.ts'

export type Address = PhoneNumber | EmailAddress

/** An operator's own rules about addresses, besides those that hold everywhere. */
export type AddressRules = {
  readonly numbers: NumberRules
  /** Domains whose local parts may have double or final dots, in lower-case A-labels. */
  readonly dottedDomains: readonly string[]
}

const noAddressRules: AddressRules = { numbers: noNumberRules, dottedDomains: [] }

/** Parses either kind. A text with an `@` is read as an e-mail address, any other as a phone number. */
export function parseAddress(text: string, rules: AddressRules = noAddressRules): Parsed<Address> {
  return inPlainWidth(text).includes('@')
    ? parseEmailAddress(text, rules.dottedDomains)
    : parsePhoneNumber(text, rules.numbers)
}

/** The identity of an address: two texts that mean the same address have the same key. */
export function addressKey(address: Address): string {
  return address.kind === 'phone' ? `tel:${address.e164}` : `mailto:${address.canonical}`
}

/**
 * The key that limits count by. Wider than the identity: mailboxes that belong to one person (`+tag`, and dots at
 * Gmail) have one key, so that nobody multiplies a budget by spelling an address differently.
 */
export function limiterKey(address: Address): string {
  return limiterKeyOf(addressKey(address))
}

/** The limiter key of an identity, see `limiterKey` and `addressKey`. */
export function limiterKeyOf(key: string): string {
  if (!key.startsWith('mailto:')) return key
  const at = key.lastIndexOf('@')
  const domain = key.slice(at + 1)
  const isGmail = domain === 'gmail.com' || domain === 'googlemail.com'
  const typed = key.slice('mailto:'.length, at)
  const plus = typed.indexOf('+', 1)
  const untagged = plus < 0 ? typed : typed.slice(0, plus)
  const local = isGmail ? untagged.replaceAll('.', '') : untagged
  return `mailto:${local}@${isGmail ? 'gmail.com' : domain}`
}

/**
 * An address as it may be shown to a person who need not know all of it: `+86138****8000`, `j***@example.com`.
 * Four digits of a number are hidden, and all of a mailbox but its first letter. A mailbox of one letter is hidden whole.
 */
export function maskAddress(address: Address): string {
  if (address.kind === 'phone') {
    const { e164 } = address
    // The tail follows the plus, at least two digits and the four hidden ones; a short number has fewer than four left.
    const tail = Math.min(4, Math.max(0, e164.length - 7))
    return `${e164.slice(0, Math.max(0, e164.length - 4 - tail))}****${e164.slice(e164.length - tail)}`
  }
  const at = address.mailbox.lastIndexOf('@')
  const letters = [...address.mailbox.slice(0, at)]
  return `${letters.length > 1 ? letters[0] : ''}***${address.mailbox.slice(at)}`
}

/**
 * The mask of an identity, see `maskAddress` and `addressKey`. It does not parse: a stored number must be shown even if
 * today's rules refuse it.
 */
export function maskKey(key: string): string {
  return maskAddress(addressOfKey(key))
}

/** The address of an identity, as far as that shows it: the region of a number is not in it. Nothing can be sent to it. */
export function addressOfKey(key: string): Address {
  const text = key.slice(key.indexOf(':') + 1)
  return key.startsWith('tel:')
    ? { kind: 'phone', e164: text, region: '' }
    : { kind: 'email', mailbox: text, canonical: text, needsSmtpUtf8: false }
}
