/** The PostgreSQL engine's side of a move: its tables page by page, each page with the mark in one message. */

import { setTimeout as pause } from 'node:timers/promises'
import type { ClientConfig } from 'pg'
import { AppError } from '../../errors.ts'
import { type Cursor, type Mark, markName, markOf } from '../move/mark.ts'
import type { MovableStore, MoveRole, Page } from '../move/movable-store.ts'
import { type ColumnKind, type MovedRow, movedTables, type Table } from '../move/tables.ts'
import { openConnection, type PostgresConnection, PostgresError, unreachable } from './connection.ts'
import { hasForeignEvents, orderAnew } from './events.ts'
import { migrate, migrations, schemaOf } from './migrations.ts'
import { type Bound, bind, bindRows, engineTime, sql } from './statement.ts'

export type MovablePostgresSettings = {
  /** Directly to the server, because a pooler of transactions cannot keep one session for us. */
  readonly client: ClientConfig
  /** The name for people, without a password. */
  readonly name: string
  readonly role: MoveRole
}

const pageRows = 1000
const connectMs = 5_000
const statementMs = 120_000
/** The time limit for counting, clearing and analysing whole tables. */
const longMs = 3_600_000
/** How long the server may take to notice that an earlier command was killed. */
const lingerMs = 5_000

const sqlTypes: Readonly<Record<ColumnKind, string>> = {
  text: 'text',
  number: 'bigint',
  flag: 'boolean',
  json: 'json',
  numbers: 'json',
  limiter: 'text',
}

const ownTables = movedTables
  .filter(({ name, from }) => from === name)
  .map(({ name }) => name)
  .join(', ')

/** Settings of the session: pages are read by keys, even if the server still believes that the tables are empty. */
const settings = `
  set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; set lock_timeout = ${lingerMs};
  set enable_seqscan = off; set enable_bitmapscan = off; set jit = off`

const others = sql(`
  select to_json(count(*)) from pg_stat_activity
  where datname = current_database() and application_name = current_setting('application_name')
    and pid <> pg_backend_pid()`)

const selectMark = sql(`select to_json(value) from meta where name = '${markName}'`)
/** Deletes only the mark that was last seen. If there is another, another move is going on, and the next insert is refused. */
const takeMark = sql(`delete from meta where name = '${markName}' and value = $1`)
const putMark = sql(`insert into meta (name, value) values ('${markName}', $1)`)
const uniqueViolation = '23505'

const selectTime = sql(`select to_json(${engineTime})`)
const goOnCounting = ['journal', 'event', 'webhook_delivery'].map((table) =>
  sql(`
    select to_json(setval(pg_get_serial_sequence('${table}', 'seq'), coalesce(max(seq), 1), max(seq) is not null))
    from ${table}`),
)

/** @throws AppError `store.locked` if servers or commands are using it, `store.unavailable`, `store.schema-newer`. */
export async function openMovablePostgres({
  client,
  name,
  role,
}: MovablePostgresSettings): Promise<MovableStore> {
  const connection = await openConnection(client, false, connectMs, () => undefined).catch((error) => {
    throw unreachable(client, error)
  })
  try {
    await withMoveErrors(name, async () => {
      await connection.script(settings, untilIn(statementMs))
      if (role === 'snapshot') await refuseOtherSchema(connection, name)
      else {
        await migrate(connection)
        await refuseOthers(connection, name)
      }
    })
  } catch (error) {
    connection.destroy()
    throw error
  }
  return movable(connection, name, role)
}

/** Refuses another schema version: servers use this store, and only they may migrate it. */
async function refuseOtherSchema(connection: PostgresConnection, name: string): Promise<void> {
  const schema = await schemaOf(connection)
  if (schema !== migrations.length)
    throw new AppError(
      'input.invalid',
      `${name}: has schema ${schema}, and this version moves ${migrations.length}. Upgrade its servers first.`,
    )
}

async function refuseOthers(connection: PostgresConnection, name: string): Promise<void> {
  for (const until = untilIn(lingerMs); ; await pause(200)) {
    const [rows] = await connection.run([bind(others)], untilIn(statementMs))
    if (rows![0] === 0) return
    if (performance.now() > until)
      throw new AppError(
        'store.locked',
        `${name}: ${rows![0]} connection(s) of servers or commands are open. Stop them first, and restart a pooler that keeps connections for them.`,
      )
  }
}

function movable(connection: PostgresConnection, name: string, role: MoveRole): MovableStore {
  const statements = new Map(movedTables.map((table) => [table.name, statementsOf(table)]))
  const of = (table: Table) => statements.get(table.name)!
  /** The text of the mark that was last seen. */
  let seen: string | null = null
  let isReading = false

  const run = (forMs: number, ...bounds: readonly Bound[]) => connection.run(bounds, untilIn(forMs))

  /** Writes all in one message, so all or nothing. */
  async function write(forMs: number, mark: Mark | null, ...bounds: readonly Bound[]): Promise<void> {
    const text = mark && JSON.stringify(mark)
    await run(forMs, bind(takeMark, seen), ...(text === null ? [] : [bind(putMark, text)]), ...bounds)
    seen = text
  }

  /** Begins to read all pages as of one moment, or while nobody else can write. */
  async function beginReading(): Promise<void> {
    if (isReading || role === 'target') return
    await connection.script(
      role === 'snapshot'
        ? 'begin isolation level repeatable read, read only'
        : `begin; lock table ${ownTables} in share mode`,
      untilIn(statementMs),
    )
    isReading = true
  }

  async function endReading(): Promise<void> {
    if (isReading) await connection.script('commit', untilIn(statementMs))
    isReading = false
  }

  async function now(): Promise<number> {
    return (await run(statementMs, bind(selectTime)))[0]![0] as number
  }

  const verb =
    <Args extends readonly unknown[], Result>(act: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> =>
      withMoveErrors(name, () => act(...args))

  return {
    name,
    mark: verb(async () => {
      seen = ((await run(statementMs, bind(selectMark)))[0]![0] as string | undefined) ?? null
      return markOf(seen)
    }),
    setMark: verb(async (mark: Mark | null) => {
      await endReading()
      await write(statementMs, mark)
    }),
    count: verb(async (table: Table) => {
      await beginReading()
      return (await run(longMs, bind(of(table).count)))[0]![0] as number
    }),
    page: verb(async (table: Table, after: Cursor | null): Promise<Page> => {
      await beginReading()
      const { first, next } = of(table)
      const [found] = await run(statementMs, after ? bind(next, ...after) : bind(first))
      const rows = found as readonly MovedRow[]
      const last = rows.length === pageRows ? rows.at(-1)! : null
      return { rows, next: last && table.key.map((column) => last[column] as string | number) }
    }),
    add: verb((table: Table, rows: readonly MovedRow[], mark: Mark) =>
      write(statementMs, mark, bindRows(of(table).insert, rows)),
    ),
    clear: verb((mark: Mark) =>
      write(
        longMs,
        mark,
        bind(sql(`truncate ${ownTables}`)),
        ...movedTables
          .filter((table) => table.from !== table.name)
          .map(({ from, where }) => bind(sql(`delete from ${from} where ${where}`))),
      ),
    ),
    timeReached: verb(now),
    behindMs: verb(async (time: number) => Math.max(0, time - (await now()))),
    settle: verb(async () => {
      const [[isForeign]] = (await run(longMs, bind(hasForeignEvents))) as [[boolean]]
      if (isForeign) await run(longMs, bind(orderAnew))
      await run(longMs, ...goOnCounting.map((statement) => bind(statement)))
      // Without it the plans of the first minutes would be those for empty tables.
      await connection.script(`analyze ${ownTables}`, untilIn(longMs))
    }),
    async [Symbol.asyncDispose]() {
      await connection.close()
    },
  }
}

function statementsOf({ from, where, key, columns }: Table) {
  const names = Object.keys(columns).join(', ')
  const order = key.join(', ')
  const page = (condition: string) =>
    sql(`
      select to_json(r) from (
        select ${names} from ${from} where ${where} ${condition} order by ${order} limit ${pageRows}) r`)
  const types = Object.entries(columns).map(([name, kind]) => `${name} ${sqlTypes[kind]}`)
  return {
    first: page(''),
    next: page(`and (${order}) > (${key.map((_, at) => `$${at + 1}`).join(', ')})`),
    count: sql(`select to_json(count(*)) from ${from} where ${where}`),
    // The numbers of the journal are its order, so they move too.
    insert: sql(`
      insert into ${from} (${names}) overriding system value
      select ${names} from json_to_recordset($1::json) as r (${types.join(', ')})`),
  }
}

function untilIn(ms: number): number {
  return performance.now() + ms
}

/** @throws AppError for every error of PostgreSQL. Its words name columns, never values. */
async function withMoveErrors<T>(name: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof AppError) throw error
    const { sqlState, constraint } = error instanceof PostgresError ? error : { sqlState: '', constraint: '' }
    if (sqlState === uniqueViolation && constraint === 'meta_pkey')
      throw new AppError('store.locked', `${name}: another move writes to it. Let one of them end.`)
    throw new AppError('store.unavailable', `${name}: ${error instanceof Error ? error.message : error}`)
  }
}
