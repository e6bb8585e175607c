/** A transaction within a deadline: begun, guarded and committed so that what was refused is never done later. */

import { AppError } from '../../errors.ts'
import { markName, markOf, refuseMoved } from '../move/mark.ts'
import { type PostgresConnection, PostgresError, type Rows } from './connection.ts'
import type { Pool } from './pool.ts'
import { type Bound, bind, engineTime, sql } from './statement.ts'

/** How much later than its guard a commit may end and still be told in time. */
export const commitMs = 30
/** Of its time a batch waits so much for a row that somebody holds: then its calls shall not wait with each other. */
const lockShare = 0.3
/** A process that stops between its two messages gives its rows back after so long: the server ends it. */
const longestIdleMs = 1_000
const mostTries = 12

const begin = sql('begin isolation level read committed')
const commit = sql('commit')
const rollback = sql('rollback')

/**
 * For this transaction only, as a pooler demands. Every statement of this engine knows its rows by an index;
 * plans made while a table was still empty would go on reading it from end to end when it no longer is.
 */
const opening = sql(`
  select json_build_array(${engineTime}, (select value from meta where name = '${markName}'),
    set_config('statement_timeout', $1, true), set_config('lock_timeout', $2, true),
    set_config('idle_in_transaction_session_timeout', '${longestIdleMs}', true),
    set_config('enable_seqscan', 'off', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true), set_config('jit', 'off', true))`)

/**
 * Behind the statements that lock, so not earlier than any time that others wrote to those rows: what is taken is
 * given back by the time it was taken at, and a wait for a row is no part of a minute.
 */
const lockedAt = sql(`select to_json(${engineTime})`)

/**
 * The last statement before the commit: a division by zero if its time is over. A server that hung and reads
 * on later, or a message that lay in a socket, so ends in a rollback although nobody is there to send one.
 * So does what is written to a store that is being moved, or was: a move sees those who are connected when it
 * begins, but a server that was cut off then, and comes back, would go on serving what it has left.
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
export type Transaction = {
  readonly now: number
  run(...statements: readonly Bound[]): Promise<readonly Rows[]>
}

/** @param pool  Whose connections it runs on, one a transaction. */
export function createTransactions(pool: Pool) {
  /** As last learned, for those that write in one message; null: the server's clock was set. */
  let lastAheadMs: number | null = null

  /**
   * @param now  Engine time as it has just arrived.
   * @returns Engine time less this process's steady clock; a little low, so that guards are early and never late.
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
   * Tries again what lost a race, as long as there is time: a row that was not there when it was read and is
   * now, a deadlock, a connection that had died while it was idle.
   */
  async function retried<T>(until: number, act: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        return await pool.lend(until, act)
      } catch (error) {
        const isLate = performance.now() >= until - commitMs
        if (tries >= mostTries || isLate || !mayTryAgain(error)) throw error
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
        // Not late by our clock: the server's was set, or the store is moved. Learn it anew.
        lastAheadMs = null
        return true
      default:
        return false
    }
  }

  /** After a failure: nothing of the transaction is left when this is answered, or the connection is not used again. */
  async function undone(connection: PostgresConnection, until: number, error: unknown): Promise<void> {
    if (connection.isBroken) return
    // It was the one that writes, before a failover. What it is reached by may lead to the new one by now.
    if (error instanceof PostgresError && error.sqlState === readOnly) return connection.destroy()
    await connection
      .run([bind(rollback)], Math.max(until, performance.now() + 200))
      .catch(() => connection.destroy())
  }

  return {
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
          // Its own: others learn meanwhile, or unlearn.
          const aheadMs = aheadBy(now)
          const run = (...statements: readonly Bound[]) => connection.run(statements, until)
          const { writes, result, until: end = until } = await act(rows, { now, run })
          // Nothing to lose: no guard, no flush, and nobody minds how it ends.
          const last = writes.length === 0 ? [] : [...writes, guardBy(end, aheadMs)]
          await connection.run([...last, bind(commit)], until)
          return result
        } catch (error) {
          await undone(connection, until, error)
          throw error
        }
      })
    },
  }
}

export type Decision<T> = {
  readonly writes: readonly Bound[]
  readonly result: T
  /** If the commit must come earlier than the transaction's own end. */
  readonly until?: number
}

/** Unique indexes that two transactions run into when both found no row and both made it. */
const raced = new Set([
  'ledger_pkey',
  'verification_live',
  'member_pkey',
  'member_account',
  'member_login',
  'member_phone',
  'member_email',
])

/** The connection was lost before anything could have been committed. */
class Lost extends Error {}

function lost(error: unknown): never {
  const isLost = error instanceof PostgresError && (error.sqlState === '' || error.sqlState === adminShutdown)
  throw isLost ? new Lost(error.message) : error
}

/** A failure that may be of one call among many: alone it says whose. */
export function isOfOneCall(error: unknown): boolean {
  if (!(error instanceof PostgresError)) return false
  // 22: a value that cannot be stored · 23: a row that may not be · and a row held by somebody else.
  return /^2[23]/.test(error.sqlState) || error.sqlState === lockNotAvailable
}

/** What callers are told, whatever it was; whoever has opened a store already can do nothing about a move. */
export function unavailable(error: unknown): AppError {
  if (error instanceof AppError && error.code === 'store.unavailable') return error
  return new AppError('store.unavailable', error instanceof Error ? error.message : String(error), {
    cause: error,
  })
}
