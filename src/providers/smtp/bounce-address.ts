/** The envelope sender of one mail. It names the message in a form that only we can make, so no bounce can be forged. */

import { createHmac, timingSafeEqual } from 'node:crypto'

/** 64 bits: a forger would have to send some 10^19 mails to forge one bounce of one message. */
const macLength = 16

export type BounceAddresses = {
  /** @param messageId  32 hex. */
  addressOf(messageId: string): string
  /** @returns The message's id; undefined if the address is not one of ours. */
  messageIdOf(address: string): string | undefined
}

/** @param secret  The same in every process and after every restart, because mail may come back for days. */
export function bounceAddresses(domain: string, secret: Buffer): BounceAddresses {
  const macOf = (messageId: string) =>
    createHmac('sha256', secret).update(`bounce\0${messageId}`).digest('hex').slice(0, macLength)
  // Local parts may come back in another case, which does not matter to hex. The message's id follows a `+`, because
  // greylisting ignores that part and so recognises the sender of the next mail. With a `-` instead, each mail had a new
  // sender and was delayed again.
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
