/** The sandbox's inbox: the newest messages that arrived, in memory, for people and tests to look at. */

import type { Channel } from '../../message/channel.ts'

export type InboxMessage = {
  /** Increases with arrival. */
  readonly seq: number
  readonly id: string
  readonly channel: Channel
  /** E.164 number or mailbox. */
  readonly to: string
  readonly locale: string
  readonly template: string
  readonly subject: string | null
  readonly text: string
  readonly html: string | null
  /** The digits, if it is a code message. */
  readonly code: string | null
  /** Milliseconds since the epoch, as is `expiresAt`: the end of the code's life, 0 if there is no code. */
  readonly arrivedAt: number
  readonly expiresAt: number
}

export type Inbox = {
  add(message: Omit<InboxMessage, 'seq'>): void
  /** @param query.after  Only messages that arrived after the one of this seq. @returns The newest first. */
  list(query: { readonly to?: string; readonly after?: number }): InboxMessage[]
  /**
   * @param listener  Called within `add`, on the path of every message: it must be quick and not throw.
   * @returns A function that ends the subscription.
   */
  subscribe(listener: (message: InboxMessage) => void): () => void
}

/** @param size  The most messages kept; older ones are dropped. */
export function createInbox(size = 1000): Inbox {
  const ring: InboxMessage[] = []
  const listeners = new Set<(message: InboxMessage) => void>()
  let last = 0
  return {
    add(message) {
      last++
      const kept = { seq: last, ...message }
      ring[(last - 1) % size] = kept
      for (const listener of listeners) listener(kept)
    },
    list({ to, after = 0 }) {
      const found: InboxMessage[] = []
      for (let seq = last; seq > Math.max(after, last - size); seq--) {
        const message = ring[(seq - 1) % size]!
        if (to === undefined || message.to.toLowerCase() === to.toLowerCase()) found.push(message)
      }
      return found
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
