/** A message to one address, as it is before the first try to send it. */

import type { Address } from '../address/address.ts'
import { timedHex } from '../random.ts'
import type { Channel } from './channel.ts'

export type MessageTemplate =
  | 'code'
  | 'contact-changed'
  | 'recovery-started'
  | 'password-changed'
  | 'temporary-password'

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
  /** Keys of the limiters that get a refund of this hit if the message fails untaken, see `isUntaken`. */
  readonly cooldown: readonly string[]
  /** Goes to the sandbox alone, whatever the routes: it was asked for with a test key. */
  readonly isSandboxed?: true
  /** Further steps of the verification's plan follow it, see `VerificationDetails`. */
  readonly beginsPlan?: true
}

/**
 * A new id: 12 hex digits of time, 80 random bits. Carriers and bounces name a message by it, and the time lets a store
 * append to the index of what they name: random ids cost a page of their own each, half of all that a send wrote.
 */
export function newMessageId(now: number): string {
  return timedHex(now, 10)
}
