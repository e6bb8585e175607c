/** One connection to PostgreSQL: sends several statements as one message. If no answer comes in time, it is closed. */

import { Client, type ClientConfig, type Connection, DatabaseError, type Submittable } from 'pg'
import { AppError } from '../../errors.ts'
import { storable } from '../storable.ts'
import { type Bound, type Fields, sql, type Value } from './statement.ts'

/** An error of PostgreSQL, or a lost connection. */
export class PostgresError extends Error {
  /** SQLSTATE; empty if the connection was lost. */
  readonly sqlState: string
  readonly constraint: string

  constructor(message: string, sqlState = '', constraint = '') {
    // Without a cause, because PostgreSQL's own error also has the values of the row.
    super(message)
    this.name = 'PostgresError'
    this.sqlState = sqlState
    this.constraint = constraint
  }
}

export type Rows = readonly unknown[]

export type PostgresConnection = {
  /** Whether it is closed, or its answers may no longer belong to its questions. */
  readonly isBroken: boolean
  /** Whether it prepares statements by name, so that the server keeps them and their plans. */
  readonly prepares: boolean
  /**
   * Sends the statements with one Sync after them, so in one round trip. Statements after a failed one are not executed.
   * Without `begin` among them they are one transaction.
   * @param until  By `performance.now()`. After it the connection is closed, because only then is it certain that the server
   *   reads no more of it.
   * @throws PostgresError
   */
  run(statements: readonly Bound[], until: number): Promise<readonly Rows[]>
  /** Sends a text of several statements, without values and answers, for the schema. */
  script(text: string, until: number): Promise<void>
  destroy(): void
  close(): Promise<void>
}

const discardPlans: Bound = { statement: sql('discard plans'), values: [] }
/**
 * In a new installation plans are made for empty tables, and would stay until the first automatic analysis some minutes
 * later. Until then the plans of a connection are dropped, each time when they are as old as the connection was before.
 */
const firstPlansMs = 250
const maxPlanAgeMs = 600_000

/** Statements that this server connection has prepared; null: the pooler in front cannot keep them. */
type Prepared = { readonly names: Set<string>; parsing: string[] } | null

/**
 * @param timeoutMs  For TCP, TLS and login together.
 * @throws PostgresError
 */
export async function openConnection(
  config: ClientConfig,
  canPrepare: boolean,
  timeoutMs: number,
  onBroken: () => void,
): Promise<PostgresConnection> {
  const client = new Client({ ...config, keepAlive: true, connectionTimeoutMillis: timeoutMs })
  // The type of the object that `Submittable.submit` gets, which is the same.
  const wire = (client as unknown as { readonly connection: Connection }).connection
  const prepared: Prepared = canPrepare ? { names: new Set(), parsing: [] } : null
  let isBroken = false
  const breaks = () => {
    if (isBroken) return
    isBroken = true
    onBroken()
  }
  client.on('error', breaks)
  client.on('end', breaks)
  wire.on('parseComplete', () => {
    const name = prepared?.parsing.shift()
    if (name !== undefined) prepared!.names.add(name)
  })
  const destroy = () => {
    breaks()
    wire.stream.destroy()
  }
  try {
    await client.connect()
  } catch (error) {
    destroy()
    const isLate = error instanceof Error && error.message === 'timeout expired'
    throw isLate ? new PostgresError(`no answer within ${Math.round(timeoutMs)} ms`) : errorOf(error)
  }

  /** @param start  Begins an act that calls `settle` when it is answered. */
  function within<T>(
    until: number,
    start: (settle: (error: unknown, answer: T) => void) => void,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          reject(new PostgresError('PostgreSQL did not answer in time'))
          destroy()
        },
        Math.max(1, until - performance.now()),
      )
      start((error, answer) => {
        clearTimeout(timer)
        if (error !== undefined) reject(errorOf(error))
        else resolve(answer)
      })
    })
  }

  let plansMs = firstPlansMs
  let discardAt = performance.now() + plansMs

  async function run(statements: readonly Bound[], until: number): Promise<readonly Rows[]> {
    const discards = prepared !== null && performance.now() > discardAt
    if (discards) {
      discardAt = plansMs < maxPlanAgeMs ? performance.now() + plansMs : Number.POSITIVE_INFINITY
      plansMs *= 2
    }
    const all = discards ? [...statements, discardPlans] : statements
    const rows = await within<readonly Rows[]>(until, (settle) =>
      client.query(new Pipeline(all, prepared, settle)),
    )
    return discards ? rows.slice(0, -1) : rows
  }

  return {
    get isBroken() {
      return isBroken
    },
    prepares: canPrepare,
    run,
    script: (text, until) =>
      within<void>(until, (settle) => {
        client.query(text).then(
          () => settle(undefined, undefined),
          (error) => settle(error, undefined),
        )
      }),
    destroy,
    async close() {
      if (isBroken) return
      breaks()
      // Ends the session without waiting for an answer, which a server that hangs would never give.
      client.end().catch(() => undefined)
    },
  }
}

/** Statements on their way. pg lets a query of this kind speak the protocol itself. */
class Pipeline implements Submittable {
  #statements: readonly Bound[]
  #prepared: Prepared
  #settle: (error: unknown, rows: readonly Rows[]) => void
  #rows: unknown[][] = [[]]

  constructor(
    statements: readonly Bound[],
    prepared: Prepared,
    settle: (error: unknown, rows: readonly Rows[]) => void,
  ) {
    this.#statements = statements
    this.#prepared = prepared
    this.#settle = settle
  }

  submit(connection: Connection): void {
    const prepared = this.#prepared
    if (prepared) prepared.parsing = []
    connection.stream.cork()
    for (const { statement, values } of this.#statements) {
      const name = prepared ? statement.name : ''
      if (!prepared?.names.has(name) && !prepared?.parsing.includes(name)) {
        connection.parse({ name, text: statement.text, types: [] }, true)
        prepared?.parsing.push(name)
      }
      connection.bind({ statement: name, values: values.map(textOf) }, true)
      connection.execute(null, true)
    }
    connection.sync()
    connection.stream.uncork()
  }

  handleDataRow({ fields }: { fields: Fields }): void {
    const rows = this.#rows.at(-1)!
    const { read } = this.#statements[this.#rows.length - 1]!.statement
    const text = fields[0]
    rows.push(read ? read(fields) : text === null || text === undefined ? null : JSON.parse(text))
  }

  handleCommandComplete(): void {
    this.#rows.push([])
  }

  handleEmptyQuery(): void {
    this.#rows.push([])
  }

  handleRowDescription(): void {}
  handlePortalSuspended(): void {}

  handleError(error: unknown): void {
    this.#settle(error ?? new Error('no reason was given'), [])
  }

  handleReadyForQuery(): void {
    this.#rows.pop()
    this.#settle(undefined, this.#rows)
  }
}

function textOf(value: Value): string | null {
  return typeof value === 'string' ? storable(value) : value === null ? null : String(value)
}

function errorOf(error: unknown): PostgresError {
  if (error instanceof PostgresError) return error
  if (error instanceof DatabaseError)
    return new PostgresError(error.message, error.code ?? '', error.constraint ?? '')
  // An error of the socket. If both address families were refused, it has no message of its own.
  const { message, code } = error as { message?: string; code?: string }
  return new PostgresError(message || code || 'the connection was lost')
}

/** The error for the person who starts a server: address, user and PostgreSQL's words, but never the password. */
export function unreachable({ host, port, user, database }: ClientConfig, error: unknown): AppError {
  const said = error instanceof Error ? error.message : String(error)
  return new AppError(
    'store.unavailable',
    `PostgreSQL at ${host}:${port}, database ${database}, as ${user}: ${said}. Is it running, and may this user log in and use the schema?`,
  )
}
