/** The rows that a batch of calls needs, read under lock in one message, and all that the calls make of them. */

import type { VerificationKey } from '../../verification/verification.ts'
import type { Rows } from './connection.ts'
import { type HeldDispatches, heldDispatches, readLastAccepted } from './dispatches.ts'
import { type HeldJournal, heldJournal } from './journal.ts'
import { type HeldLimiters, heldLimiters, readLimiters } from './limiters.ts'
import { type EntryKey, entryKey, type HeldOutbox, heldOutbox, readEntries } from './outbox.ts'
import type { Bound } from './statement.ts'
import {
  type HeldVerifications,
  heldVerifications,
  keyOf,
  readRepeats,
  readVerifications,
  type WantedKey,
} from './verification-rows.ts'

export type Held = {
  /** Engine time of the batch. */
  readonly now: number
  readonly limiters: HeldLimiters
  readonly verifications: HeldVerifications
  readonly outbox: HeldOutbox
  readonly dispatches: HeldDispatches
  readonly journal: HeldJournal
}

/** The rows that calls are going to need, collected before anything is read. */
export type Needs = ReturnType<typeof newNeeds>

/** @param decoy  The id of the row that is written in place of a verification that does not exist. */
export function newNeeds(decoy: string) {
  const limiters = new Set<string>()
  const ids = new Set<string>()
  const keys = new Map<string, WantedKey>()
  const members = new Map<string, { tenant: string; member: string }>()
  const acceptances = new Set<string>()
  const repeats = new Set<string>()
  const entries = new Map<string, EntryKey>()
  return {
    limiters,
    /** Verifications by id. */
    ids,
    acceptances,
    repeats,
    /** The live verification of a key. */
    live(key: VerificationKey): void {
      const name = keyOf(key)
      if (!keys.has(name)) keys.set(name, key)
    },
    /** The same; where there is none, a read that costs as much. */
    liveOrDecoy: (key: VerificationKey) => void keys.set(keyOf(key), { ...key, otherwise: decoy }),
    /** All live ones of a member. */
    liveOf: (tenant: string, member: string) =>
      void members.set(JSON.stringify([tenant, member]), { tenant, member }),
    entry: (key: EntryKey) => void entries.set(entryKey(key), key),

    /**
     * Statements that read all of it, each kind in one, locked in the order limiters, verifications, outbox; and
     * what turns their rows into what is held.
     */
    reads(): {
      readonly statements: readonly Bound[]
      hold(rows: readonly Rows[], now: number): Held
    } {
      const statements: Bound[] = []
      const asked = (isNeeded: boolean, make: () => Bound): number =>
        isNeeded ? statements.push(make()) - 1 : -1
      const limitersAt = asked(limiters.size > 0, () => readLimiters(limiters))
      const verificationsAt = asked(ids.size + keys.size + members.size > 0, () =>
        readVerifications(ids, keys.values(), members.values()),
      )
      const entriesAt = asked(entries.size > 0, () => readEntries(entries.values()))
      const acceptedAt = asked(acceptances.size > 0, () => readLastAccepted(acceptances))
      const repeatsAt = asked(repeats.size > 0, () => readRepeats(repeats))
      return {
        statements,
        hold(rows, now) {
          const of = (at: number) => rows[at] ?? []
          const limiters = heldLimiters(of(limitersAt))
          const dispatches = heldDispatches(of(acceptedAt))
          return {
            now,
            limiters,
            dispatches,
            verifications: heldVerifications(of(verificationsAt), of(repeatsAt), decoy),
            outbox: heldOutbox(of(entriesAt), now, limiters, dispatches),
            journal: heldJournal(now),
          }
        },
      }
    },
  }
}

/** In the order in which rows are locked; what is only added comes last. */
export function writesOf(held: Held): Bound[] {
  return [
    ...held.limiters.writes(),
    ...held.verifications.writes(),
    ...held.outbox.writes(),
    ...held.dispatches.writes(),
    ...held.journal.writes(),
  ]
}
