/** The problems of an address: what is wrong with its text, and what stands in its way. */

import type { Address, AddressRules, parseAddress } from '../../address/address.ts'
import { suggestAddress } from '../../address/suggest-address.ts'
import type { Problem } from './problems.ts'

type RefusalReason = Extract<ReturnType<typeof parseAddress>, { kind: 'refused' }>['reason']

const invalid: Readonly<Record<Exclude<RefusalReason, 'not-mobile' | 'not-allowed'>, string>> = {
  'no-plus': 'A number needs its plus and country code, such as +8613800138000.',
  characters: 'Only digits may follow the plus.',
  length: 'It is longer than any address of its kind.',
  'not-valid': 'It is no number of any country.',
  'local-part': 'The part before the @ is not valid.',
  domain: 'The part after the @ is not valid.',
}

const unreachableReasons = {
  'not-mobile': 'The number gets no SMS; it is that of a landline or a service.',
  'not-allowed': 'This server sends nothing to such numbers.',
} as const

/** The problem of a text that was refused. @param typed  The text, if whoever gets the answer may see it. */
export function addressProblem(reason: RefusalReason, typed = '', rules?: AddressRules): Problem {
  if (reason === 'not-mobile' || reason === 'not-allowed')
    return { problem: 'address-unreachable', detail: unreachableReasons[reason], members: { reason } }
  const suggestion = suggestAddress(typed, rules)
  const members = { reason, ...(suggestion !== undefined && { suggestion }) }
  return { problem: 'address-invalid', detail: invalid[reason], members }
}

/** The problem of an address that no route of the app leads to. */
export function unreachable({ kind }: Address): Problem {
  return {
    problem: 'address-unreachable',
    detail:
      kind === 'phone'
        ? 'The country is not allowed for this app, or no carrier serves it.'
        : 'No carrier serves e-mail.',
    members: { reason: 'no-route' },
  }
}
