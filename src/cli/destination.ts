/** Where the message of a command would go, and the policy that holds there. */

import { type Address, type AddressRules, parseAddress } from '../address/address.ts'
import { policyOfApp } from '../config/app-policy.ts'
import type { Settings } from '../config/settings.ts'
import { AppError } from '../errors.ts'
import { type AppPolicy, allowsDestination } from '../flows/policy.ts'
import type { Channel } from '../message/channel.ts'
import { type Destination, regionOf } from '../message/destination.ts'
import type { CommonOptions } from './with-store.ts'

export type RouteOptions = CommonOptions & {
  readonly tenant?: string
  readonly app?: string
  readonly channel?: Channel
}

export function destinationFor(
  text: string,
  rules: AddressRules,
  options: RouteOptions,
): { destination: Destination; address: Address } {
  const parsed = parseAddress(text, rules)
  if (parsed.kind === 'refused')
    throw new AppError(
      'input.invalid',
      'that is no mobile number (with its plus) or e-mail address that codes could go to',
    )
  const { address } = parsed
  const isPhone = address.kind === 'phone'
  const channel = options.channel ?? (isPhone ? 'sms' : 'email')
  if ((channel === 'email') === isPhone)
    throw new AppError(
      'input.invalid',
      `--channel: ${channel} does not reach ${isPhone ? 'a number' : 'a mailbox'}`,
    )
  const { tenant = '', app = '' } = options
  return { address, destination: { channel, region: regionOf(address), tenant, app } }
}

/** The policy that holds for messages to a destination, as far as the settings know it; an app's record may differ. */
export function policyFor(settings: Settings, { app }: Destination): AppPolicy {
  return policyOfApp(settings, { id: app, policy: {} })
}

/** Whether the countries of the policy exclude a number. */
export function isRegionBarred(settings: Settings, destination: Destination): boolean {
  return !allowsDestination(policyFor(settings, destination), destination)
}
