/** What an address is: the union of the kinds, its identity, its limiter key and its mask. */

import { type EmailAddress, parseEmailAddress } from './email-address.ts'
import { type NumberRules, noNumberRules } from './number-rules.ts'
import type { Parsed } from './parsed.ts'
import { type PhoneNumber, parsePhoneNumber } from './phone-number.ts'
import { inPlainWidth } from './typed.ts'

export type Address = PhoneNumber | EmailAddress

/** What an operator knows of addresses beyond what everybody does. */
export type AddressRules = {
  readonly numbers: NumberRules
  /** Domains whose local parts may have double or final dots, in lower-case A-labels. */
  readonly dottedDomains: readonly string[]
}

const noAddressRules: AddressRules = { numbers: noNumberRules, dottedDomains: [] }

/** Parses either kind: what contains `@` is meant as an e-mail address. */
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
 * The key that limits count by. Wider than the identity: mailboxes that are known to be one person's
 * (`+tag`, and dots at Gmail) are limited as one, so that nobody multiplies a budget by them.
 */
export function limiterKey(address: Address): string {
  return limiterKeyOf(addressKey(address))
}

/** The same of an identity, see `addressKey`. */
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
 * An address as it may be shown to someone who need not know it: `+86138****8000`, `j***@example.com`.
 * Of a number four digits are always hidden, of a mailbox all but the first letter, and that too if it
 * is the only one.
 */
export function maskAddress(address: Address): string {
  if (address.kind === 'phone') {
    const { e164 } = address
    // The plus, two digits and the four hidden come first; short numbers have fewer than four left.
    const tail = Math.min(4, Math.max(0, e164.length - 7))
    return `${e164.slice(0, Math.max(0, e164.length - 4 - tail))}****${e164.slice(e164.length - tail)}`
  }
  const at = address.mailbox.lastIndexOf('@')
  const letters = [...address.mailbox.slice(0, at)]
  return `${letters.length > 1 ? letters[0] : ''}***${address.mailbox.slice(at)}`
}

/**
 * The same of an identity, see `addressKey`. Whatever rules there are today: a number that was allowed
 * once is still to be shown.
 */
export function maskKey(key: string): string {
  const text = key.slice(key.indexOf(':') + 1)
  return key.startsWith('tel:')
    ? maskAddress({ kind: 'phone', e164: text, region: '' })
    : maskAddress({ kind: 'email', mailbox: text, canonical: text, needsSmtpUtf8: false })
}
