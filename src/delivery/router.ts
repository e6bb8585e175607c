/** Puts a message to a provider: by the route of its destination, and by how the route's providers are doing. */

import type { DispatchOutcome, NewMessage } from '../store/outbox.ts'
import type { Channel, Provider } from './provider.ts'

export type Destination = {
  readonly channel: Channel
  /** ISO region of a number; empty for e-mail. */
  readonly region: string
  readonly tenant: string
  readonly app: string
}

export type Chosen = {
  readonly kind: 'provider'
  readonly provider: Provider
  readonly timeoutMs: number
  readonly sender: string | null
  /** Another provider of the route was not tried yet and is well: no need to wait before it is. */
  readonly hasNext: boolean
  /** The channel that follows if no receipt says delivered in time. */
  readonly second: { readonly channel: Channel; readonly afterMs: number } | null
  /** To be called once, when the hand-over has ended. */
  leave(outcome: DispatchOutcome): void
}

export type Router = {
  /** @param tried  Providers the message was dispatched to so far, oldest first. */
  next(
    destination: Destination,
    tried: readonly string[],
  ): Chosen | { readonly kind: 'wait'; readonly afterMs: number } | { readonly kind: 'none' }
  /** Whether any route takes it. */
  serves(destination: Destination): boolean
}

export function destinationOf({ channel, to, tenant, app }: NewMessage): Destination {
  return { channel, region: to.kind === 'phone' ? to.region : '', tenant, app }
}

/** The providers of a channel in turn, in the order given. */
export function routerInTurn(routes: Readonly<Record<Channel, readonly Provider[]>>): Router {
  return {
    next({ channel }, tried) {
      const route = routes[channel]
      const provider = route[tried.length % route.length]
      if (!provider) return { kind: 'none' }
      const hasNext = tried.length + 1 < route.length
      return {
        kind: 'provider',
        provider,
        timeoutMs: 10_000,
        sender: null,
        hasNext,
        second: null,
        leave() {},
      }
    },
    serves: ({ channel }) => routes[channel].length > 0,
  }
}
