/** An event as readers of the feed and endpoints get it: names in snake case, times in RFC 3339. */

import type { AppEvent, EventFact, EventFacts, EventType } from '../../store/events.ts'
import { publicIdOf } from '../../verification/public-id.ts'

export type EventView = {
  readonly id: string
  readonly type: EventType | 'webhook.test'
  readonly timestamp: string
  readonly data: Readonly<Record<string, unknown>>
}

const prefix = 'evt_'

export function publicEventId(id: string): string {
  return prefix + id
}

/** @returns The id in the store; undefined if the text is none. */
export function eventIdOf(text: string): string | undefined {
  return /^evt_[0-9a-f]{44}$/.test(text) ? text.slice(prefix.length) : undefined
}

export function eventView({ id, type, at, app, verification, facts }: AppEvent): EventView {
  return {
    id: publicEventId(id),
    type,
    timestamp: new Date(at).toISOString(),
    data: {
      app,
      ...(verification !== '' && { verification: publicIdOf(verification) }),
      ...shown(facts),
    },
  }
}

function shown(facts: EventFacts): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).map(([name, fact]) => [
      snakeCase(name),
      isTime(name, fact) ? timeOf(fact) : shownFact(name, fact),
    ]),
  )
}

/** The keys of metadata are the caller's own. */
function shownFact(name: string, fact: EventFact): unknown {
  if (name === 'metadata' || typeof fact !== 'object' || fact === null || isList(fact)) return fact
  return shown(fact)
}

function isList(fact: EventFact): fact is readonly EventFact[] {
  return Array.isArray(fact)
}

function isTime(name: string, fact: EventFact): fact is number {
  return name.endsWith('At') && typeof fact === 'number'
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}

/** The names of facts are those in the code, so there are few. */
const snakeCases = new Map<string, string>()

function snakeCase(name: string): string {
  let found = snakeCases.get(name)
  if (found === undefined) {
    found = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    snakeCases.set(name, found)
  }
  return found
}
