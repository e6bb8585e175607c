/** The message that brings the code of a verification. */

import type { Address } from '../address/address.ts'
import type { Channel } from '../message/channel.ts'
import { type Destination, regionOf } from '../message/destination.ts'
import { type NewMessage, newMessageId } from '../message/message.ts'
import type { Limit } from '../throttle/acquire.ts'

export type CodeMessage = {
  readonly tenant: string
  readonly app: string
  readonly to: Address
  readonly channel: Channel
  readonly locale: string
  readonly lifetimeMs: number
  readonly isSandboxed: boolean
  /** Whether the plan of its verification begins with it. */
  readonly beginsPlan?: boolean
}

export function destinationOfCode({
  channel,
  to,
  tenant,
  app,
  isSandboxed,
}: Pick<CodeMessage, 'channel' | 'to' | 'tenant' | 'app' | 'isSandboxed'>): Destination {
  return { channel, region: regionOf(to), tenant, app, ...(isSandboxed && { isSandboxed }) }
}

/** @param limits  Those that its issue counts in. @param now  By which its id is made. */
export function codeMessage(
  { tenant, app, to, channel, locale, lifetimeMs, isSandboxed, beginsPlan }: CodeMessage,
  limits: readonly Limit[],
  now: number,
): NewMessage {
  return {
    id: newMessageId(now),
    tenant,
    app,
    channel,
    to,
    locale,
    template: 'code',
    values: {},
    lifetimeMs,
    // Refunded if no carrier took the message: hits in limits of this address, not in those of the caller.
    cooldown: limits.filter((limit) => isOfAddress(limit)).map((limit) => limit.key),
    ...(isSandboxed && { isSandboxed }),
    ...(beginsPlan && { beginsPlan }),
  }
}

function isOfAddress({ scope, looksOnly }: Limit): boolean {
  return !looksOnly && (scope === 'address' || scope === 'address-total' || scope === 'member-address')
}
