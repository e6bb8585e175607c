/** The contract for events: what happened to the verifications and contacts of an app, in one order for each app. */

import { timedHex } from '../random.ts'

export const eventTypes = [
  'verification.created',
  'verification.held',
  'verification.sent',
  'verification.delivered',
  'verification.undeliverable',
  'verification.used',
  'verification.refused',
  'verification.expired',
  'verification.spent',
  'verification.cancelled',
  'contact.changed',
  'carrier.opened',
  'carrier.closed',
] as const

export type EventType = (typeof eventTypes)[number]

/** Words of the domain by name; times end in `At` and are in ms. Never a code, key, token or whole address. */
export type EventFacts = { readonly [name: string]: EventFact }
export type EventFact = string | number | boolean | null | readonly EventFact[] | EventFacts

export type NewEvent = {
  /** Stated by an act that may come again, so that its event is added once; otherwise a new one is made. */
  readonly id?: string
  readonly type: EventType
  readonly tenant: string
  readonly app: string
  /** The id of the verification that it is about; empty if there is none. */
  readonly verification: string
  readonly facts: EventFacts
}

export type AppEvent = NewEvent & {
  /** See `newEventId`. The same however often it is read or delivered, also after a move of the store. */
  readonly id: string
  /** Engine time, ms. */
  readonly at: number
}

export type EventPage = {
  readonly events: readonly AppEvent[]
  /** The `after` of the next page. It moves on over events of other types; null: nothing was there. */
  readonly last: string | null
  /** Whether there was more to look through. */
  readonly isMore: boolean
}

export type EventQuery = {
  readonly app: string
  /** The id of an event of this app; null: from the oldest that is kept. */
  readonly after: string | null
  /** null: all. */
  readonly types: readonly EventType[] | null
  readonly max: number
}

export type Events = {
  /**
   * The apps whose events somebody reads. For all others none is written, by no call of this process that begins later.
   * An engine that was just opened writes none.
   */
  setReaders(apps: readonly string[]): Promise<void>
  /** Adds events that are no part of another act. Those of an app without a reader are dropped. */
  append(events: readonly NewEvent[]): Promise<void>
  /**
   * The events of an app in their order, after a given one. Whoever goes on from `last` gets each event once: no event
   * comes to stand before one that was read, also if its transaction ends late.
   * @returns undefined if there is no such event any more.
   */
  read(query: EventQuery): Promise<EventPage | undefined>
  /** Those of the ids that are still kept, in any order. */
  find(app: string, ids: readonly string[]): Promise<readonly AppEvent[]>
  /** The id of the newest event of each app, null if it has none. */
  heads(apps: readonly string[]): Promise<readonly (string | null)[]>
}

/** A new id: 12 hex digits of time, so that stores append, and 128 random bits. */
export function newEventId(now: number): string {
  return timedHex(now, 16)
}
