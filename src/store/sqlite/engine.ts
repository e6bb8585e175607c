/** The embedded engine itself: one connection, one thread, verbs run to the end within a transaction. */

import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { makeSecretFile } from '../../secret-file.ts'
import { markName, markOf, refuseMoved } from '../move/mark.ts'
import { refuseNewer, refuseOlder, type SchemaOptions } from '../schema.ts'
import type { UnitOfWork, Verb } from '../unit-of-work.ts'
import { verbs } from '../verbs/verbs.ts'
import { auditReads, withEntries } from './audit.ts'
import { sqliteConsumptions } from './consumptions.ts'
import { contactHistoryReads } from './contact-history.ts'
import { sqliteDirectory } from './directory.ts'
import { dispatchReads } from './dispatches.ts'
import { engineClock, monotonicMs } from './engine-clock.ts'
import { sqliteErasures } from './erasure.ts'
import { eventReads } from './events.ts'
import { journalReads } from './journal.ts'
import { sqliteKeys } from './keys.ts'
import { listUnlisted } from './listings.ts'
import { migrations } from './migrations.ts'
import { outboxActs } from './outbox.ts'
import { sqliteSweeper } from './sweeper.ts'
import { openUnit } from './unit-of-work.ts'
import { verificationReads } from './verifications.ts'
import { sqliteWebhooks } from './webhooks.ts'

/** How long a write waits for another process that holds the database, e.g. a command or a backup. */
const busyMs = 400
/** The page cache. The operating system keeps the rest. */
const cacheKiB = 16 * 1024
/** Pages of write-ahead log after which this connection moves them itself: only if the checkpointer cannot. */
const checkpointPages = 64_000
/** The time for a commit: a transaction must end so much before its deadline. */
const commitMs = 20

/** An operation failed and with it the transaction that it shared with others. */
class Spoiled extends Error {}

/** One verb with its argument, as sent to the engine's thread. */
export type Operation = {
  readonly verb: string
  readonly args: readonly unknown[]
  /** The deadline of its caller, by `monotonicMs`. Later it must not be done. */
  readonly until: number
}
export type Outcome = { readonly value: unknown } | { readonly error: string }

export type SqliteEngine = {
  /** Runs the operations in one transaction. If one fails, the others are done all the same. */
  run(operations: readonly Operation[]): Outcome[]
  close(): void
}

/** @throws AppError `store.schema-newer`, `store.schema-older`, `store.moved`, or SQLite's own error. */
export function openEngine(path: string, schema: SchemaOptions = {}): SqliteEngine {
  // Made here and not by SQLite, which would give the file to root if root runs this, and the service could not open it.
  if (!existsSync(path)) {
    if (schema.migrates === false) refuseOlder(0, migrations.length)
    makeSecretFile(path, '')
  }
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: busyMs })
  db.exec(`
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma cache_size = -${cacheKiB};
    pragma wal_autocheckpoint = ${checkpointPages};
    pragma journal_size_limit = 67108864;
    pragma temp_store = memory;
    pragma trusted_schema = off;
    pragma secure_delete = on;
  `)
  migrate(db, schema)
  refuseMoved(markOf(db.prepare('select value from meta where name = ?').get(markName)?.value))
  if (schema.migrates !== false) listUnlisted(db)
  const wallNow = () => Date.now()
  const clock = engineClock(db, wallNow, monotonicMs)
  const work = openUnit(db, wallNow)
  const sweep = sqliteSweeper(db, clock.now, wallNow, {
    events: work.unit.events,
    isEmpty: () => !work.hasReaders(),
  })
  const proveWrite = db.prepare(
    "insert into meta values ('write_proof', ?) on conflict do update set value = excluded.value",
  )

  const direct = {
    ...prefixed('directory', sqliteDirectory(db, wallNow)),
    ...prefixed('keys', sqliteKeys(db, wallNow)),
    ...prefixed(
      'webhooks',
      sqliteWebhooks(db, () => work.unit.now, wallNow),
    ),
  }
  const acts: Record<string, (...args: never[]) => unknown> = {
    ...prefixed('verifications', verificationReads(db)),
    ...prefixed(
      'outbox',
      outboxActs(db, () => work.unit.now, work.newEntries),
    ),
    ...prefixed('dispatches', dispatchReads(db)),
    ...direct,
    ...prefixed(
      'directory',
      contactHistoryReads(db, () => work.unit.now),
    ),
    ...prefixed('journal', journalReads(db)),
    ...prefixed('audit', auditReads(db)),
    ...prefixed('consumptions', sqliteConsumptions(db)),
    ...prefixed('events', { ...eventReads(db), setReaders: work.setReaders }),
    ...withEntries(direct, work.unit),
    ...decidedIn(work.unit),
    ...prefixed('erasures', sqliteErasures(db, clock.now, work.reloadLimiters)),
    now: () => clock.now(),
    proveWrite: (): readonly string[] => {
      proveWrite.run(clock.now())
      return []
    },
    sweep,
  }

  function perform({ verb, args }: Operation): Outcome {
    const run = acts[verb]
    if (!run) throw new TypeError(`no verb ${verb}`)
    return { value: run(...(args as never[])) }
  }

  /** @throws Spoiled if an operation failed, otherwise SQLite's error for the transaction itself. */
  function transaction(operations: readonly Operation[]): Outcome[] {
    db.exec('begin immediate') // may have waited for another process
    try {
      work.begin(clock.now())
      const latest = monotonicMs() + commitMs
      const outcomes = operations.map((operation): Outcome => {
        // Its caller was refused already, or will be before the commit.
        if (operation.until < latest) return { error: 'too late' }
        try {
          return perform(operation)
        } catch (error) {
          throw new Spoiled(String(error))
        }
      })
      work.flush()
      clock.persist()
      db.exec('commit')
      work.committed()
      return outcomes
    } catch (error) {
      work.discard()
      if (db.isTransaction) db.exec('rollback')
      throw error
    }
  }

  /** Runs all in one transaction. If an operation spoils it, runs each half apart: in the end that operation fails alone. */
  function run(operations: readonly Operation[]): Outcome[] {
    try {
      return transaction(operations)
    } catch (error) {
      if (error instanceof Spoiled && operations.length > 1) {
        const half = operations.length >> 1
        return [...run(operations.slice(0, half)), ...run(operations.slice(half))]
      }
      // Locked, full or broken: the error holds for each of them.
      return operations.map(() => ({ error: error instanceof Error ? error.message : String(error) }))
    }
  }

  return {
    run,
    close: () => db.close(),
  }
}

/** Brings the schema up to date, if `migrates` allows it. @throws AppError `store.schema-newer`, `store.schema-older`. */
export function migrate(db: DatabaseSync, { migrates = true, onMigrated }: SchemaOptions = {}): void {
  const version = () => (db.prepare('pragma user_version').get() as { user_version: number }).user_version
  const found = version()
  if (found === migrations.length) return
  if (!migrates) refuseOlder(found, migrations.length)
  db.exec('begin immediate')
  try {
    const present = version()
    refuseNewer(present, migrations.length)
    for (const step of migrations.slice(present)) db.exec(step)
    db.exec(`pragma user_version = ${migrations.length}`)
    db.exec('commit')
    onMigrated?.(present, migrations.length)
  } catch (error) {
    if (db.isTransaction) db.exec('rollback')
    throw error
  }
}

/** The verbs as functions of their arguments. */
function decidedIn(unit: UnitOfWork): Record<string, (...args: never[]) => unknown> {
  return Object.fromEntries(
    Object.entries(verbs).map(([name, verb]) => [
      name,
      (...args: never[]) => (verb as Verb<never[], unknown>).decide(unit, ...args),
    ]),
  )
}

function prefixed(part: string, functions: object): Record<string, (...args: never[]) => unknown> {
  return Object.fromEntries(Object.entries(functions).map(([name, run]) => [`${part}.${name}`, run]))
}
