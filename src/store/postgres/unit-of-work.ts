/** A unit of work in PostgreSQL: the rows that calls need, read under lock in one message, and the writes that follow. */

import type { EntryKey } from '../outbox.ts'
import { storable } from '../storable.ts'
import type { Needs, ReceiptName, UnitOfWork, Verb } from '../unit-of-work.ts'
import { heldApps, lockedApps } from './apps.ts'
import { heldAudit, lockedAuditHead } from './audit.ts'
import type { Rows } from './connection.ts'
import { formerContactsOf, heldContactHistory, recoveriesOfMembers } from './contact-history.ts'
import {
  heldDepartments,
  lockedDepartments,
  lockedTenants,
  occupiedDepartments,
  sharedDepartments,
  type WantedDepartment,
} from './departments.ts'
import { heldDispatches, readAwaiting, readLastAccepted } from './dispatches.ts'
import { heldEvents } from './events.ts'
import { heldJournal } from './journal.ts'
import { heldLimiters, readLimiters } from './limiters.ts'
import { bearing, collidingWith, heldMembers, readMembers, type WantedMember } from './members.ts'
import { entryName, heldOutbox, readEntries, readWaiting } from './outbox.ts'
import {
  heldOnces,
  heldProofs,
  heldRepeats,
  readOnces,
  readProofs,
  readRepeats,
  type WantedProof,
} from './proofs.ts'
import type { Bound } from './statement.ts'
import type { Transactions } from './transaction.ts'
import { heldVerifications, keyOf, readVerifications, type WantedKey } from './verification-rows.ts'

export type PostgresUnit = UnitOfWork & {
  /** The writes, in the order in which rows are locked; those that only add come last. */
  writes(): Bound[]
}

export type PostgresNeeds = ReturnType<typeof newNeeds>

/**
 * @param decoy  The id of the row that is written in place of a verification that does not exist.
 * @param readers  The apps whose events are written.
 */
export function newNeeds(decoy: string, readers: ReadonlySet<string>) {
  const limiters = new Set<string>()
  const ids = new Set<string>()
  const keys = new Map<string, WantedKey>()
  const owners = new Map<string, { tenant: string; member: string }>()
  const acceptances = new Set<string>()
  const proofs: WantedProof[] = []
  const repeats = new Set<string>()
  const onces = new Set<string>()
  const entries = new Map<string, EntryKey>()
  const receipts = new Map<string, ReceiptName>()
  const members: WantedMember[] = []
  const histories = new Set<string>()
  const tenants = new Set<string>()
  const apps = new Set<string>()
  const changing = new Set<string>()
  const shared: WantedDepartment[] = []
  const examined: WantedDepartment[] = []
  let isAudited = false

  const needs: Needs = {
    limiters(wanted) {
      for (const key of wanted) limiters.add(key)
    },
    verification: (id) => void ids.add(id),
    live(key) {
      const name = keyOf(key)
      if (!keys.has(name)) keys.set(name, key)
    },
    liveOrDecoy: (key) => void keys.set(keyOf(key), { ...key, otherwise: decoy }),
    liveOf: (tenant, member) => void owners.set(`${tenant}\0${member}`, { tenant, member }),
    lastAccepted: (verification) => void acceptances.add(verification),
    proof: (member, login) => void proofs.push({ member, login }),
    repeat: (fingerprint) => void repeats.add(fingerprint),
    once: (key) => void onces.add(key),
    member: (id) => void members.push({ id }),
    memberByAddress: (tenant, address) => void members.push(bearing(tenant, address)),
    memberToImport: (member) => void members.push(collidingWith(member)),
    contactHistory: (member) => void histories.add(member),
    department: (tenant, code) => void shared.push({ tenant, code }),
    departments(tenant) {
      tenants.add(tenant)
      changing.add(tenant)
    },
    membersIn: (tenant, code) => void examined.push({ tenant, code }),
    tenant: (id) => void tenants.add(id),
    app: (id) => void apps.add(id),
    audit(entry) {
      isAudited ||= entry !== undefined
    },
    entry: (key) => void entries.set(entryName(key), key),
    awaiting({ provider, key }) {
      receipts.set(`${provider}\0${key}`, { provider, key: storable(key) })
    },
  }

  /** The statements that read all of it, one for each kind, and a function that makes a unit from their rows. */
  function reads(): {
    readonly statements: readonly Bound[]
    /** @param known  Proofs from another store. */
    unit(rows: readonly Rows[], now: number, known?: readonly WantedProof[]): PostgresUnit
  } {
    const statements: Bound[] = []
    const asked = (isNeeded: boolean, make: () => Bound): number =>
      isNeeded ? statements.push(make()) - 1 : -1
    // Locked in this order.
    const membersAt = asked(members.length > 0, () => readMembers(members))
    const tenantsAt = asked(tenants.size > 0, () => lockedTenants(tenants))
    const appsAt = asked(apps.size > 0, () => lockedApps(apps))
    const changingAt = asked(changing.size > 0, () => lockedDepartments(changing))
    const sharedAt = asked(shared.length > 0, () => sharedDepartments(shared))
    // Guarded by the lock on their members.
    const formerAt = asked(histories.size > 0, () => formerContactsOf(histories))
    const recoveriesAt = asked(histories.size > 0, () => recoveriesOfMembers(histories))
    const limitersAt = asked(limiters.size > 0, () => readLimiters(limiters))
    const verificationsAt = asked(ids.size + keys.size + owners.size > 0, () =>
      readVerifications(ids, keys.values(), owners.values()),
    )
    const entriesAt = asked(entries.size > 0, () => readEntries(entries.values()))
    const awaitingAt = asked(receipts.size > 0, () => readAwaiting([...receipts.values()]))
    const waitingAt = asked(receipts.size > 0, () => readWaiting([...receipts.values()]))
    const oncesAt = asked(onces.size > 0, () => readOnces(onces))
    // The last lock, so that who holds it waits for no other.
    const auditAt = isAudited ? statements.push(...lockedAuditHead()) - 1 : -1
    // Not locked.
    const occupiedAt = asked(examined.length > 0, () => occupiedDepartments(examined))
    const acceptedAt = asked(acceptances.size > 0, () => readLastAccepted(acceptances))
    const proofsAt = asked(proofs.length > 0, () => readProofs(proofs))
    const repeatsAt = asked(repeats.size > 0, () => readRepeats(repeats))
    return {
      statements,
      unit(rows, now, known = []) {
        const of = (at: number) => rows[at] ?? []
        const departments = heldDepartments(
          of(tenantsAt),
          [...of(changingAt), ...of(sharedAt)],
          of(occupiedAt),
        )
        const apps = heldApps(of(appsAt), now)
        const members = heldMembers(of(membersAt), now, departments.areIn)
        const contacts = heldContactHistory(of(formerAt), of(recoveriesAt))
        const limiters = heldLimiters(of(limitersAt))
        const verifications = heldVerifications(of(verificationsAt), now, decoy)
        const dispatches = heldDispatches(of(acceptedAt), of(awaitingAt))
        const outbox = heldOutbox([...of(entriesAt), ...of(waitingAt)], now, dispatches)
        const proofs = heldProofs([...of(proofsAt), ...known])
        const repeats = heldRepeats(of(repeatsAt))
        const onces = heldOnces(of(oncesAt), now)
        const journal = heldJournal(now)
        const audit = heldAudit(of(auditAt), now)
        const events = heldEvents(now, readers)
        return {
          now,
          members: members.members,
          tokens: members.tokens,
          formerContacts: contacts.formerContacts,
          recoveries: contacts.recoveries,
          departments: departments.departments,
          tenants: departments.tenants,
          apps: apps.apps,
          limiters,
          verifications: verifications.verifications,
          proofs: proofs.proofs,
          repeats: repeats.repeats,
          onces: onces.onces,
          outbox: outbox.outbox,
          dispatches: dispatches.dispatches,
          journal,
          audit: audit.audit,
          events: events.events,
          writes: () => [
            ...members.writes(),
            ...contacts.writes(),
            ...departments.writes(),
            ...apps.writes(),
            ...limiters.writes(),
            ...verifications.writes(),
            ...proofs.writes(),
            ...repeats.writes(),
            ...onces.writes(),
            ...verifications.decoyWrites(),
            ...outbox.writes(),
            ...dispatches.writes(),
            ...journal.writes(),
            ...audit.writes(),
            ...events.writes(),
          ],
        }
      },
    }
  }

  return { needs, reads }
}

type Alone<Result> = {
  /** A statement before the reads, in the same message. */
  readonly first?: Bound
  readonly known?: readonly WantedProof[]
  /** Called after the writes, when only the commit can still fail. */
  readonly beforeCommit?: (result: Result) => Promise<void>
}

/** Runs a verb in a transaction of its own, because it locks much, or because others must not wait for it. */
export function runAlone<Args extends readonly unknown[], Result>(
  transactions: Transactions,
  until: number,
  verb: Verb<Args, Result>,
  args: Args,
  { first, known, beforeCommit }: Alone<Result> = {},
): Promise<Result> {
  const { needs, reads } = newNeeds('', transactions.readers())
  verb.needs(needs, ...args)
  const { statements, unit } = reads()
  const before = first ? [first] : []
  return transactions.decide(until, [...before, ...statements], (rows, { now }) => {
    const one = unit(rows.slice(before.length), now, known)
    const result = verb.decide(one, ...args)
    return {
      writes: one.writes(),
      result,
      ...(beforeCommit && { beforeCommit: () => beforeCommit(result) }),
    }
  })
}
