/** The common part of commands about carriers: the destination of a message, and the opened carriers. */

import { type Address, type AddressRules, parseAddress } from '../address/address.ts'
import type { Settings } from '../config/settings.ts'
import type { ReceiptSink } from '../delivery/provider.ts'
import { AppError } from '../errors.ts'
import type { Channel } from '../message/channel.ts'
import { type Destination, regionOf } from '../message/destination.ts'
import { createProviders } from '../providers/providers.ts'
import type { CommonOptions } from './with-store.ts'

export type RouteOptions = CommonOptions & {
  readonly tenant?: string
  readonly app?: string
  readonly channel?: Channel
}

export function aimOf(
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

/**
 * Refuses receipts that arrive while a command runs, because they are for the server. A carrier that sends them to any
 * connection, as by SMPP, then keeps them and sends them again.
 */
export const notForCommands = (): ReceiptSink => async () => {
  throw new Error('receipts are for the server')
}

/** The carriers, closed at the end. */
export async function openedProviders(settings: Settings) {
  const { providers } = await createProviders(settings.providers, notForCommands)
  return {
    providers,
    async [Symbol.asyncDispose]() {
      for (const provider of providers.values()) await provider.close?.()
    },
  }
}

/** Whether the countries of the policy exclude a number. */
export function isRegionBarred({ policy, apps }: Settings, { channel, region, app }: Destination): boolean {
  if (channel === 'email') return false
  const own = (apps[app] as { countries?: 'all' | string[] } | undefined)?.countries
  const regions = own === undefined ? policy.regions : own === 'all' ? null : own
  return regions !== null && !regions.includes(region)
}
