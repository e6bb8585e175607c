/** Reads the body of a start: what the flow needs, or the problem with it. */

import { type Address, type AddressRules, parseAddress } from '../../address/address.ts'
import type { KeyHolder } from '../../flows/api-keys.ts'
import type { StartRequest } from '../../flows/start-request.ts'
import { networkInApp } from '../../flows/subject.ts'
import type { Static } from '../../json-schema.ts'
import { readIpAddress } from '../../network/ip-address.ts'
import { addressProblem } from './address-problems.ts'
import { invalidField } from './faults.ts'
import type { Problem } from './problems.ts'
import type { startBody } from './start-schemas.ts'

type StartBody = Static<typeof startBody>

export function startRequestOf(
  body: StartBody,
  { app }: KeyHolder,
  rules: AddressRules,
): StartRequest | Problem {
  const { to: given, channel, purpose, subject, locale, code, challenge, test, client, ...rest } = body
  const { metadata, audience, nonce, proof, plan, template, values, origin, app_hash: appHash, holder } = rest
  const address = addressIn(given, rules)
  if ('problem' in address) return address
  const ip = client?.ip === undefined ? undefined : readIpAddress(client.ip)
  if (client?.ip !== undefined && ip === undefined)
    return invalidField('/client/ip', 'format', 'It is no IP address.')
  return {
    to: address,
    ...(purpose !== undefined && { purpose }),
    ...(subject !== undefined && { subject }),
    ...(holder !== undefined && { isHolder: holder }),
    ...(locale !== undefined && { locale }),
    ...(code && {
      code: {
        ...(code.length !== undefined && { length: code.length }),
        ...(code.life_s !== undefined && { lifetimeMs: code.life_s * 1000 }),
        ...(code.alphabet !== undefined && { alphabet: code.alphabet }),
        ...(code.value !== undefined && { value: code.value }),
      },
    }),
    ...(channel !== undefined && { channel }),
    ...(plan && { plan: stepsOf(plan) }),
    ...(template !== undefined && { template }),
    ...(values && { values }),
    ...(origin !== undefined && { origin }),
    ...(appHash !== undefined && { appHash }),
    ...(challenge !== undefined && { challenge: takesPow(challenge) ? 'any' : 'none' }),
    ...(test && { testRisk: test.risk }),
    ...(client && { client: clientOf(client) }),
    ...(ip !== undefined && { network: networkInApp(app, ip)! }),
    ...(metadata && { metadata }),
    ...(audience !== undefined && { audience }),
    ...(nonce !== undefined && { nonce }),
    ...(proof !== undefined && { proof }),
  }
}

/** The address that a `to` means, or what is wrong with it. */
export function addressIn(to: StartBody['to'], rules: AddressRules): Address | Problem {
  const [text, wanted] = textOf(to)
  const parsed = parseAddress(text, rules)
  if (parsed.kind === 'refused') return addressProblem(parsed.reason, text, rules)
  if (wanted !== undefined && parsed.address.kind !== wanted)
    return addressProblem(wanted === 'phone' ? 'no-plus' : 'domain')
  return parsed.address
}

export function stepsOf(plan: NonNullable<StartBody['plan']>): NonNullable<StartRequest['plan']> {
  return plan.map(({ channel, after_s, unless = 'used' }) => ({ channel, afterMs: after_s * 1000, unless }))
}

/** Proofs of work are the only challenges there are yet. */
function takesPow(challenge: NonNullable<StartBody['challenge']>): boolean {
  return challenge !== 'none' && challenge.accepts.includes('pow')
}

function textOf(to: StartBody['to']): [text: string, wanted: 'phone' | 'email' | undefined] {
  if (typeof to === 'string') return [to, undefined]
  return 'phone' in to ? [to.phone, 'phone'] : [to.email, 'email']
}

function clientOf({ ip, asn, user_agent, device_id, platform, trusted }: NonNullable<StartBody['client']>) {
  return {
    ...(ip !== undefined && { ip }),
    ...(asn !== undefined && { asn }),
    ...(user_agent !== undefined && { userAgent: user_agent }),
    ...(device_id !== undefined && { deviceId: device_id }),
    ...(platform !== undefined && { platform }),
    ...(trusted !== undefined && { trusted }),
  }
}
