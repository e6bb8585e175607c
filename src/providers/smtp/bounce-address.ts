/** The envelope sender of one mail. It names the message in a form that only we can make, so no bounce can be forged. */

import { createHmac, timingSafeEqual } from 'node:crypto'

/** 64 bits: a forger would have to send some 10^19 mails to forge one bounce of one message. */
const macLength = 16

export type BounceAddresses = {
  /** @param messageId  32 hex. */
  addressOf(messageId: string): string
  /** @returns The message's id; undefined if the address is not one of ours, whatever else it is. */
  messageIdOf(address: string): string | undefined
}

/** @param secret  The same in every process and after every restart: mail bounces for days. */
export function bounceAddresses(domain: string, secret: Buffer): BounceAddresses {
  const macOf = (messageId: string) =>
    createHmac('sha256', secret).update(`bounce\0${messageId}`).digest('hex').slice(0, macLength)
  // Local parts may come back in another case; ours is hex, so nothing is lost. The message's id stands after a `+`:
  // greylisting ignores that part, so it knows the sender of the next mail. After a `-` each mail had a new sender and
  // was put off again.
  const form = new RegExp(`^b\\+([0-9a-f]{32})-([0-9a-f]{${macLength}})@(.+)$`)
  return {
    addressOf: (messageId) => `b+${messageId}-${macOf(messageId)}@${domain}`,
    messageIdOf(address) {
      const [, messageId, mac, at] = form.exec(address.toLowerCase()) ?? []
      if (messageId === undefined || mac === undefined || at !== domain.toLowerCase()) return undefined
      return timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(messageId))) ? messageId : undefined
    },
  }
}
