/** A unit of work in memory that is never committed: what the verbs decide over a whole history of acts. */

import { newOutboxEntry, type OutboxEntry } from '../../message/outbox-entry.ts'
import { claimedBy } from '../../message/second.ts'
import type { StoredEntry } from '../../message/stored-entry.ts'
import type { LimiterState } from '../../throttle/limiter-state.ts'
import { asCallersSee, type StoredVerification } from '../../verification/stored-verification.ts'
import type { Verification, VerificationKey } from '../../verification/verification.ts'
import type { AppEvent } from '../events.ts'
import type { KeptCall } from '../once.ts'
import type { EntryKey, Lease } from '../outbox.ts'
import { entryKeyOf, type StoredDispatch } from '../stored-dispatch.ts'
import type { UnitOfWork } from '../unit-of-work.ts'
import type { Used } from '../verifications.ts'

/** The parts that verbs on codes and their messages use; the others are missing, and any use of them fails. */
export type UnitInMemory = UnitOfWork & {
  now: number
  /** Claims all that is due, as engines do. */
  claim(lease: Lease): readonly OutboxEntry[]
  /** How often a message was claimed; undefined: it has left. */
  claimsOf(key: EntryKey): number | undefined
  readonly limiterStates: ReadonlyMap<string, LimiterState>
  records(): ReadonlyMap<string, Verification>
  /** Names of messages, `queuedAt:id`. */
  entries(): ReadonlySet<string>
  /** Added so far, for every app. */
  told(): readonly AppEvent[]
}

export function unitInMemory(now: number): UnitInMemory {
  const records = new Map<string, StoredVerification>()
  const limiterStates = new Map<string, LimiterState>()
  const repeats = new Set<string>()
  const told: AppEvent[] = []
  const onces = new Map<string, KeptCall>()
  const messages = new Map<string, { readonly entry: OutboxEntry; readonly stored: StoredEntry }>()
  const accepted = new Map<string, NonNullable<Used['broughtBy']>>()
  const change = (key: EntryKey, stored: StoredEntry) =>
    void messages.set(nameOf(key), { ...messages.get(nameOf(key))!, stored })

  function add({ outcome, about, provider, channel, region, answeredAt }: StoredDispatch): void {
    if (outcome !== 'accepted') return
    const before = accepted.get(about)
    if (!before || before.acceptedAt <= answeredAt)
      accepted.set(about, { provider, channel, region, acceptedAt: answeredAt })
  }

  const unit = {
    now,
    limiterStates,
    limiters: {
      read: (key) => limiterStates.get(key),
      forgottenAt: (key) => (limiterStates.has(key) ? Number.POSITIVE_INFINITY : undefined),
      put: (key, _form, state) => void limiterStates.set(key, state),
    },
    verifications: {
      get: (id) => records.get(id),
      live: (key) => [...records.values()].find((one) => one.state === 'live' && isOf(one, key)),
      liveOf: () => [],
      add: (record) => void records.set(record.id, record),
      change(record, to) {
        const next = { ...records.get(record.id)!, ...to }
        records.set(record.id, next)
        return next
      },
      countDecoy: () => undefined,
    },
    onces: {
      get: (key) => onces.get(key),
      // As the engines with tables keep it.
      put: ({ key, fingerprint }, result) =>
        void onces.set(key, { fingerprint, result: JSON.parse(JSON.stringify(result)) }),
    },
    repeats: { has: (name) => repeats.has(name), put: (name) => void repeats.add(name) },
    outbox: {
      put(message, lease, verification) {
        const entry = newOutboxEntry(message, unit.now, verification)
        const dueAt = entry.queuedAt + lease.ms
        const none = { tried: [], unknowns: 0, second: null, begun: null }
        messages.set(nameOf({ ...entry, messageId: message.id }), {
          entry,
          stored: { dueAt, owner: lease.owner, claims: 1, ...none },
        })
        return entry
      },
      get: (key) => messages.get(nameOf(key))?.stored,
      change,
      remove: (key) => void messages.delete(nameOf(key)),
      end(dispatch) {
        messages.delete(nameOf(entryKeyOf(dispatch)))
        add(dispatch)
      },
      tryAgain(dispatch, stored) {
        change(entryKeyOf(dispatch), stored)
        add(dispatch)
      },
    },
    events: {
      areRead: () => true,
      add(event) {
        const added = { id: '', at: unit.now, ...event }
        // As engines do, once for an id that its act states.
        if (!told.some(({ id }) => id !== '' && id === added.id)) told.push(added)
      },
    },
    dispatches: {
      lastAccepted: (id) => accepted.get(id) ?? null,
      awaiting: () => undefined,
      add,
      change: () => undefined,
    },

    claim: ({ owner, ms }) =>
      [...messages].flatMap(([name, { entry, stored }]) => {
        if (stored.dueAt > unit.now) return []
        const claimed = { ...stored, dueAt: unit.now + ms, owner, claims: stored.claims + 1 }
        messages.set(name, { entry, stored: claimed })
        return [entryOf(entry, claimed, records.get(entry.verification!.id)!)]
      }),
    claimsOf: (key) => messages.get(nameOf(key))?.stored.claims,
    records: () => new Map([...records].map(([id, record]) => [id, asCallersSee(record)])),
    entries: () => new Set(messages.keys()),
    told: () => told,
  } as Partial<UnitInMemory> as UnitInMemory
  return unit
}

const nameOf = ({ queuedAt, messageId }: Pick<EntryKey, 'queuedAt' | 'messageId'>) =>
  `${queuedAt}:${messageId}`

function isOf(one: StoredVerification, { tenant, app, subject, address, purpose }: VerificationKey): boolean {
  return (
    one.tenant === tenant &&
    one.app === app &&
    one.subject === subject &&
    one.address === address &&
    one.purpose === purpose
  )
}

function entryOf(entry: OutboxEntry, stored: StoredEntry, record: StoredVerification): OutboxEntry {
  const { claims, tried, unknowns, second, begun } = stored
  return {
    ...entry,
    ...claimedBy(entry.message, second),
    verification: asCallersSee(record),
    nth: claims,
    tried,
    unknowns,
    ...(begun !== null && { begun }),
  }
}
