/** The channels by which codes can reach an address. */

import type { Address } from '../address/address.ts'
import { type Channel, channels } from '../message/channel.ts'
import { isReachable } from './issue-code.ts'
import type { Services } from './services.ts'
import type { Act } from './subject.ts'

export { channels }

export function channelsFor({ kind }: Pick<Address, 'kind'>): readonly Channel[] {
  return kind === 'email' ? ['email'] : channels.filter((channel) => channel !== 'email')
}

/** Those of them that the app may use now, because a carrier serves them. */
export function servedChannels(
  services: Pick<Services, 'policyOf' | 'serves'>,
  act: Pick<Act, 'app' | 'tenant' | 'address'>,
  isSandboxed: boolean,
): readonly Channel[] {
  const { tenant, app, address: to } = act
  return channelsFor(to).filter((channel) =>
    isReachable(services, act, { tenant, app: app.id, to, channel, isSandboxed }),
  )
}
