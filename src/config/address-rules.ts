/** The settings with an operator's own rules about phone numbers and mailboxes. */

import type { AddressRules } from '../address/address.ts'
import { parseEmailAddress } from '../address/email-address.ts'
import { type AllowedPrefix, allowedPrefixIn } from '../address/number-rules.ts'
import type { SettingsFile } from './settings-schema.ts'

export function addressRulesOf(
  { numbers, mailboxes }: Pick<SettingsFile, 'numbers' | 'mailboxes'>,
  problems: string[],
): AddressRules {
  const allow: AllowedPrefix[] = []
  const refuse = numbers?.refuse ?? []
  numbers?.allow?.forEach((entry, i) => {
    const one = allowedPrefixIn(entry)
    if (typeof one === 'string') problems.push(`numbers.allow.${i}: ${one}`)
    else if (refuse.includes(one.prefix))
      problems.push(`numbers.allow.${i}: ${one.prefix} is refused as well`)
    else allow.push(one)
  })
  const dottedDomains: string[] = []
  mailboxes?.dots?.forEach((domain, i) => {
    const parsed = parseEmailAddress(`a@${domain}`)
    if (parsed.kind === 'refused')
      problems.push(`mailboxes.dots.${i}: is no domain of mailboxes, such as docomo.ne.jp`)
    else dottedDomains.push(parsed.address.mailbox.slice(2))
  })
  return { numbers: { allow, refuse }, dottedDomains }
}
