/** Turns the wire's `contact` and `country` into an address, or refuses them. The word contact for an address ends here. */

import type { FastifyRequest } from 'fastify'
import { type Address, type AddressRules, parseAddress } from '../../address/address.ts'
import { defaultCountryKey, isCountryKey, isNumberOfCountry } from '../../address/countries.ts'
import type { Services } from '../../flows/services.ts'
import type { MemberAct } from '../../flows/subject.ts'
import { networkOfClient } from '../client-address.ts'
import type { Refusal } from './errors.ts'
import { invalid } from './parameters.ts'

export type Contact = {
  readonly address: Address
  /** The country key of a phone; null for an e-mail address, whose country is ignored. */
  readonly country: string | null
}

export function contactIn(
  body: { readonly contact: string; readonly country?: string | null },
  rules: AddressRules,
): Contact | { readonly refusal: Refusal } {
  const parsed = parseAddress(body.contact, rules)
  if (parsed.kind === 'refused')
    return {
      refusal: invalid('contact', {
        'zh-CN': '应为带 + 和国家码的有效手机号，例如 +8613800138000，或有效的邮箱地址',
        'en-US':
          'it must be a valid mobile number with + and country code, such as +8613800138000, or a valid e-mail address',
      }),
    }
  const { address } = parsed
  if (address.kind === 'email') return { address, country: null }
  const country = body.country || defaultCountryKey
  if (!isCountryKey(country) || !isNumberOfCountry(country, address))
    return { refusal: { code: 'USG.201040025' } }
  return { address, country }
}

/** The act of a request. */
export function actOf(services: Services, request: FastifyRequest, address: Address): MemberAct {
  const { session } = request
  const { id } = session.app
  const { tellsClientIp } = services.policyOf(session.app)
  return { session, address, network: networkOfClient(request, { id, tellsClientIp }) }
}
