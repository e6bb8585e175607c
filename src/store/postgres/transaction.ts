/** A transaction within a deadline: begun, guarded and committed so that a refused call never takes effect later. */

import { markName, markOf, refuseMoved } from '../move/mark.ts'
import { type PostgresConnection, PostgresError, type Rows } from './connection.ts'
import type { Pool } from './pool.ts'
import { type Bound, bind, engineTime, sql } from './statement.ts'

/** A commit may end so much later than its guard and still be answered in time. */
export const commitMs = 30
/** The share of its time that a batch waits for a locked row. Then it is split, so that not all its calls wait. */
const lockShare = 0.3
/** If a process stops between its two messages, the server ends its transaction after this and frees the rows. */
const maxIdleMs = 1_000
const maxTries = 12

const begin = sql('begin isolation level read committed')
const commit = sql('commit')
const rollback = sql('rollback')

/**
 * Settings of this transaction alone, as a pooler demands. Every statement of this engine finds its rows by an index.
 * Sequential scans are off because a plan made while a table was empty would go on reading the whole table.
 */
const opening = sql(`
  select json_build_array(${engineTime}, (select value from meta where name = '${markName}'),
    set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true),
    set_config('idle_in_transaction_session_timeout', '${maxIdleMs}', true),
    set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true),
    set_config('plan_cache_mode', 'force_generic_plan', true))`)

/**
 * Engine time, read after the rows are locked. So it is not earlier than any time that others wrote to those rows:
 * hits are refunded by their time. And the wait for a lock does not count as a part of a minute.
 */
const lockedAt = sql(`select to_json(${engineTime})`)

/**
 * The last statement before the commit: it divides by zero if the deadline has passed. So a transaction ends in a
 * rollback, without a client to ask for it, if the server hung and reads on later or the message lay in a socket.
 * It also divides by zero in a store that is being moved or was moved. A move sees only the servers that are connected
 * when it begins; a server that was cut off then, and comes back, must not write to the old store.
 */
const guard = sql(`
  select to_json(1 / (case when ${engineTime} < $1::bigint and not exists (
    select from meta where name = '${markName}' and value::json ->> 'kind' <> 'arrived') then 1 else 0 end))`)

const divisionByZero = '22012'
const lockNotAvailable = '55P03'
const uniqueViolation = '23505'
const readOnly = '25006'
const adminShutdown = '57P01'

export type Transactions = ReturnType<typeof createTransactions>

/** Within a transaction, after its opening: engine time, and one more message of statements. */
type Transaction = {
  readonly now: number
  run(...statements: readonly Bound[]): Promise<readonly Rows[]>
}

/** @param pool  Gives one connection to each transaction. */
export function createTransactions(pool: Pool) {
  /** The apps whose events are written, see `Events`. */
  let readers: ReadonlySet<string> = new Set()
  /** The newest value of `aheadBy`, for transactions of one message; null: the server's clock was set. */
  let lastAheadMs: number | null = null

  /**
   * @param now  Engine time as it has just arrived.
   * @returns Engine time minus this process's steady clock. It is a little low, so guards are early and never late.
   */
  function aheadBy(now: number): number {
    lastAheadMs = now - performance.now()
    return lastAheadMs
  }

  /** @returns Engine time. @throws AppError `store.moved`. */
  function openedAt(opened: Rows | undefined): number {
    const [now, mark] = opened![0] as readonly [number, string | null]
    refuseMoved(markOf(mark))
    return now
  }

  function openingOf(until: number, isShared = false): Bound {
    const leftMs = Math.max(1, Math.ceil(until - performance.now()))
    return bind(opening, String(leftMs), String(isShared ? Math.ceil(leftMs * lockShare) : leftMs))
  }

  const guardBy = (until: number, aheadMs: number) => bind(guard, Math.floor(until - commitMs + aheadMs))

  /**
   * Runs an act again while there is time if it lost a race: another transaction made the same row, there was a
   * deadlock, or the connection had died while it was idle.
   */
  async function retried<T>(until: number, act: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await pool.lend(until, act)
      } catch (error) {
        const isLate = performance.now() >= until - commitMs
        if (tries >= maxTries || isLate || !mayTryAgain(error)) throw inWords(error)
      }
    }
  }

  function mayTryAgain(error: unknown): boolean {
    if (error instanceof Lost) return true
    if (!(error instanceof PostgresError)) return false
    switch (error.sqlState) {
      case uniqueViolation:
        return raced.has(error.constraint)
      case '40001': // serialization failure
      case '40P01': // deadlock
        return true
      case '26000': // a pooler gave us another server connection than the one that has prepared
      case '42P05':
        pool.stopPreparing()
        return true
      case divisionByZero:
        // By our clock it is not late: the server's clock was set, or the store was moved. Read the time again.
        lastAheadMs = null
        return true
      default:
        return false
    }
  }

  /** After a failure: rolls the transaction back, or closes the connection if that is not answered. */
  async function undone(connection: PostgresConnection, until: number, error: unknown): Promise<void> {
    if (connection.isBroken) return
    // This server wrote before a failover, and is a replica now. The host name may lead to the new primary by now.
    if (error instanceof PostgresError && error.sqlState === readOnly) return connection.destroy()
    await connection
      .run([bind(rollback)], Math.max(until, performance.now() + 200))
      .catch(() => connection.destroy())
  }

  return {
    readers: () => readers,
    setReaders(apps: readonly string[]): void {
      readers = new Set(apps)
    },

    /** Reads, in one round trip; the statements see what was committed when each began. */
    async read(until: number, ...statements: readonly Bound[]): Promise<readonly Rows[]> {
      return retried(until, async (connection) => {
        const [opened, ...rows] = await connection.run([openingOf(until), ...statements], until).catch(lost)
        aheadBy(openedAt(opened))
        return rows
      })
    },

    /** Writes all or nothing, in one round trip. */
    async write(until: number, ...statements: readonly Bound[]): Promise<readonly Rows[]> {
      return retried(until, async (connection) => {
        const aheadMs =
          lastAheadMs ?? aheadBy(openedAt((await connection.run([openingOf(until)], until).catch(lost))[0]))
        const all = [bind(begin), openingOf(until), ...statements, guardBy(until, aheadMs), bind(commit)]
        try {
          return (await connection.run(all, until)).slice(2, -2)
        } catch (error) {
          await undone(connection, until, error)
          throw error
        }
      })
    },

    /**
     * Reads and locks, decides, writes: in two round trips and more.
     * @param first  Sent with the opening; its rows are the first argument of `act`.
     * @param isShared  By calls that have nothing to do with each other.
     * @param act  Decides, and returns what to write with the commit, and the result if that succeeds.
     */
    async decide<T>(
      until: number,
      first: readonly Bound[],
      act: (rows: readonly Rows[], transaction: Transaction) => Promise<Decision<T>> | Decision<T>,
      isShared = false,
    ): Promise<T> {
      return retried(until, async (connection) => {
        try {
          const [, opened, ...rows] = await connection
            .run([bind(begin), openingOf(until, isShared), ...first, bind(lockedAt)], until)
            .catch(lost)
          openedAt(opened)
          const now = rows.pop()![0] as number
          // A local copy: other transactions change `lastAheadMs` meanwhile.
          const aheadMs = aheadBy(now)
          const run = (...statements: readonly Bound[]) => connection.run(statements, until)
          const { writes, result, until: end = until, beforeCommit } = await act(rows, { now, run })
          // Without writes there is nothing to guard or to flush.
          const guards = writes.length === 0 ? [] : [guardBy(end, aheadMs)]
          if (beforeCommit && writes.length > 0) {
            await connection.run(writes, until)
            await beforeCommit()
            await connection.run([...guards, bind(commit)], until)
          } else await connection.run([...writes, ...guards, bind(commit)], until)
          return result
        } catch (error) {
          await undone(connection, until, error)
          throw error
        }
      })
    },
  }
}

type Decision<T> = {
  readonly writes: readonly Bound[]
  readonly result: T
  /** Set if the commit must come before the transaction's own deadline. */
  readonly until?: number
  /** Called when all is written and nothing but the commit can fail any more. */
  beforeCommit?(): Promise<void>
}

/** Unique indexes that refuse the second of two transactions which both found no row and both made it. */
const raced = new Set([
  'app_pkey',
  'ledger_pkey',
  'verification_live',
  'member_pkey',
  'member_account',
  'member_third_account',
  'department_pkey',
  'member_login',
  'member_phone',
  'member_email',
  'audit_pkey',
])

/** The connection was lost before anything could have been committed. */
class Lost extends Error {}

function lost(error: unknown): never {
  const isLost = error instanceof PostgresError && (error.sqlState === '' || error.sqlState === adminShutdown)
  throw isLost ? new Lost(error.message) : error
}

/** What the guard of a late transaction reports is no use to who reads it. */
function inWords(error: unknown): unknown {
  const isGuard = error instanceof PostgresError && error.sqlState === divisionByZero
  return isGuard ? new PostgresError('it would have been committed too late', divisionByZero) : error
}

/** Whether one call among many may have caused the failure. Run alone, that call fails and the others do not. */
export function isOfOneCall(error: unknown): boolean {
  if (!(error instanceof PostgresError)) return false
  // 22: a value that cannot be stored · 23: a row that breaks a constraint · or a row that another call has locked.
  return /^2[23]/.test(error.sqlState) || error.sqlState === lockNotAvailable
}
