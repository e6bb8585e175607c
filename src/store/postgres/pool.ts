/** The connections of one process: each lent to one transaction at a time, opened when needed, closed if in doubt. */

import type { ClientConfig } from 'pg'
import { openConnection, type PostgresConnection, PostgresError } from './connection.ts'

type PoolSettings = {
  readonly client: ClientConfig
  readonly size: number
}

export type Pool = {
  /** @throws PostgresError if there is no connection by `until` (by `performance.now()`). */
  lend<T>(until: number, act: (connection: PostgresConnection) => Promise<T>): Promise<T>
  /** Prepares no statements from now on: a pooler may give each transaction another connection, which has none. */
  stopPreparing(): void
  close(): Promise<void>
}

/** For TCP, TLS and login. A server in good health takes some milliseconds. */
const connectMs = 700
/** Pause after a connection that could not be opened. Until it ends calls are refused at once and do not queue. */
const firstPauseMs = 50
const maxPauseMs = 500

/**
 * The least time in which a call is begun. A call that times out costs its connection. So calls that waited long would
 * each cost a connection, although the server is only busy.
 */
const minMs = 40

type Waiting = {
  readonly timer: NodeJS.Timeout
  take(connection: PostgresConnection): void
  refuse(error: PostgresError): void
}

export function createPool({ client, size }: PoolSettings): Pool {
  const idle: PostgresConnection[] = []
  const open = new Set<PostgresConnection>()
  let opening = 0
  let waiting: Waiting[] = []
  let canPrepare = true
  let isClosed = false
  let pauseMs = 0
  let pausedUntil = 0
  let lastError: PostgresError | undefined

  function give(connection: PostgresConnection): void {
    if (connection.isBroken || isClosed || (connection.prepares && !canPrepare)) {
      void connection.close()
      fill()
      return
    }
    const next = waiting.shift()
    if (next) {
      clearTimeout(next.timer)
      next.take(connection)
    } else idle.push(connection)
  }

  /** Opens as many as there are callers without one. */
  function fill(): void {
    while (
      !isClosed &&
      performance.now() >= pausedUntil &&
      opening < waiting.length &&
      open.size + opening < size
    )
      void openOne()
  }

  async function openOne(): Promise<void> {
    opening++
    try {
      let isUp = false
      const connection = await openConnection(client, canPrepare, connectMs, () => {
        if (!isUp) return
        open.delete(connection)
        const at = idle.indexOf(connection)
        if (at >= 0) idle.splice(at, 1)
      })
      isUp = true
      opening--
      pauseMs = 0
      if (!connection.isBroken) open.add(connection)
      give(connection)
    } catch (error) {
      opening--
      lastError = error as PostgresError
      pauseMs = Math.min(maxPauseMs, pauseMs === 0 ? firstPauseMs : pauseMs * 2)
      pausedUntil = performance.now() + pauseMs
      // Callers that wait get a lent connection when it returns. If none is lent or being opened, refuse them.
      if (open.size === 0 && opening === 0) refuseAll(lastError)
      else setTimeout(fill, pauseMs + 1).unref()
    }
  }

  function refuseAll(error: PostgresError): void {
    const refused = waiting
    waiting = []
    for (const one of refused) {
      clearTimeout(one.timer)
      one.refuse(error)
    }
  }

  function acquire(until: number): Promise<PostgresConnection> {
    return new Promise((resolve, reject) => {
      if (isClosed) return reject(new PostgresError('the store is closed'))
      const known = idle.pop()
      if (known) return resolve(known)
      const isPaused = performance.now() < pausedUntil
      if (isPaused && open.size === 0 && opening === 0) return reject(lastError!)
      const one: Waiting = {
        take: resolve,
        refuse: reject,
        timer: setTimeout(
          () => {
            waiting = waiting.filter((other) => other !== one)
            reject(lastError ?? new PostgresError('every connection is busy'))
          },
          Math.max(1, until - performance.now()),
        ),
      }
      waiting.push(one)
      fill()
    })
  }

  return {
    async lend(until, act) {
      const connection = await acquire(until)
      try {
        if (performance.now() > until - minMs) throw new PostgresError('every connection is busy')
        return await act(connection)
      } catch (error) {
        // If the server hangs or is out of reach, its other connections hang too, and each would cost a deadline.
        if (connection.isBroken) for (const other of idle.splice(0)) other.destroy()
        throw error
      } finally {
        give(connection)
      }
    },
    stopPreparing() {
      if (!canPrepare) return
      canPrepare = false
      for (const one of idle.splice(0)) void one.close()
    },
    /** Closes all connections, also those that are lent, so wait for their calls before. */
    async close() {
      isClosed = true
      refuseAll(new PostgresError('the store is closed'))
      for (const one of [...open]) await one.close()
    },
  }
}
