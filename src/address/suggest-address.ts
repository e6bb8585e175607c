/** What a person probably meant by a text that is no address: one that is, or nothing. It is never used unasked. */

import { type AddressRules, parseAddress } from './address.ts'
import { inPlainWidth } from './typed.ts'

/** Longer than any address with what people write around it. */
const maxLength = 280

/**
 * Takes away what people and pages write around addresses, and the separators within numbers.
 * @param typed  As it was refused.
 * @returns A number in E.164 form or a mailbox; undefined if what is left is none either.
 */
export function suggestAddress(typed: string, rules?: AddressRules): string | undefined {
  if (typed.length > maxLength) return undefined
  const text = inPlainWidth(typed).trim()
  const meant = text.includes('@') ? plainMailbox(text) : plainNumber(text)
  if (meant === undefined || meant === typed) return undefined
  const parsed = parseAddress(meant, rules)
  if (parsed.kind === 'refused') return undefined
  return parsed.address.kind === 'phone' ? parsed.address.e164 : parsed.address.mailbox
}

/** Without a plus or the 00 that stands for it in most countries, nobody can know which country is meant. */
function plainNumber(text: string): string | undefined {
  const digits = text
    .replace(/^tel:/i, '')
    .replace('(0)', '')
    .replace(/[\s()./\u2010-\u2015-]/g, '')
  return /^(\+|00)[0-9]+$/.test(digits) ? digits.replace(/^00/, '+') : undefined
}

function plainMailbox(text: string): string {
  const bare = text
    .replace(/^mailto:/i, '')
    .replace(/^<|>$/g, '')
    .replace(/\s/g, '')
  const at = bare.lastIndexOf('@')
  const domain = bare.slice(at + 1).replaceAll(',', '.')
  return `${bare.slice(0, at)}@${domain.split(/[.;:]/).filter(Boolean).join('.')}`
}
