/** A message to one address: what is known of it before anyone tries to send it. */

import type { Address } from '../address/address.ts'
import { randomHex } from '../random.ts'
import type { Channel } from './channel.ts'

export type MessageTemplate = 'code' | 'contact-changed'

/** A message to be sent. Never holds a code: that is derived at hand-over. */
export type NewMessage = {
  /** 32 hex; the same on every dispatch. */
  readonly id: string
  readonly tenant: string
  readonly app: string
  readonly channel: Channel
  readonly to: Address
  readonly locale: string
  readonly template: MessageTemplate
  /** Values for the template, without the code. */
  readonly values: Readonly<Record<string, string>>
  /** How long the message is worth sending; a code message lives as long as its code. */
  readonly lifetimeMs: number
  /** Limiters to refund this hit in if it ends and nobody took it, see `isUntaken`. */
  readonly cooldown: readonly string[]
}

export function newMessageId(): string {
  return randomHex(16)
}
