/** The channel by which a message goes on after its present one, as stores keep it in one text. */

import type { Channel } from './channel.ts'

export type NextChannel = {
  readonly channel: Channel
  /** The step of the verification's plan that it is; absent: the second channel of a route. */
  readonly step?: number
  /** It goes unless the code is used; otherwise a delivery ends it too. */
  readonly afterDelivery?: true
}

/** `voice`; as the second step of a plan `voice/1`, or `voice/1!` if it goes also after a delivery. */
export type Second = string

export function secondOf({ channel, step, afterDelivery }: NextChannel): Second {
  return `${channel}${step === undefined ? '' : `/${step}`}${afterDelivery ? '!' : ''}`
}

export function nextChannelIn(second: Second): NextChannel {
  const afterDelivery = second.endsWith('!')
  const [channel, step] = (afterDelivery ? second.slice(0, -1) : second).split('/')
  return {
    channel: channel as Channel,
    ...(step !== undefined && { step: Number(step) }),
    ...(afterDelivery && { afterDelivery }),
  }
}

/** The parts of a claimed message that its second channel changes. */
export function claimedBy<Message extends { readonly channel: Channel }>(
  message: Message,
  second: Second | null,
): { readonly message: Message; readonly isSecond: boolean; readonly step?: number } {
  if (second === null) return { message, isSecond: false }
  const { channel, step } = nextChannelIn(second)
  return { message: { ...message, channel }, isSecond: true, ...(step !== undefined && { step }) }
}
