/** Where a message goes, as far as the choice of a carrier depends on it. */

import type { Address } from '../address/address.ts'
import type { Channel } from './channel.ts'
import type { NewMessage } from './message.ts'

/** The properties of a message by which routes choose. */
export type Destination = {
  readonly channel: Channel
  /** ISO region of a number; empty for e-mail. */
  readonly region: string
  readonly tenant: string
  readonly app: string
  /** See `NewMessage`. */
  readonly isSandboxed?: true
}

export function destinationOf({ channel, to, tenant, app, isSandboxed }: NewMessage): Destination {
  return { channel, region: regionOf(to), tenant, app, ...(isSandboxed && { isSandboxed }) }
}

/** ISO region of a number; empty for e-mail. */
export function regionOf(address: Address): string {
  return address.kind === 'phone' ? address.region : ''
}
