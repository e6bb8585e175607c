/** The embedded engine's side of a move: its tables page by page, on a connection of its own. */

import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { AppError } from '../../errors.ts'
import { type Cursor, type Mark, markName, markOf } from '../move/mark.ts'
import type { MovableStore, MoveRole, Page } from '../move/movable-store.ts'
import { type ColumnKind, type MovedRow, movedTables, type Table } from '../move/tables.ts'
import { migrate } from './engine.ts'
import { engineTimeAfter, keepEngineTime } from './engine-clock.ts'
import { coverByLimiterLog, emptyLimiterLog, keyOfRow, limiterRow, pack, unpack } from './limiter-log.ts'
import { migrations } from './migrations.ts'

const pageRows = 1000
/** SQLite's result code for a file that another connection holds. */
const busy = 5
/** How long to wait for a lock, which a command or a server that was just killed may still have. */
const busyMs = 2_000

/** @throws AppError `store.locked` if a server or a command is using it, `store.unavailable`, `store.schema-newer`. */
export async function openMovableSqlite(path: string, role: MoveRole): Promise<MovableStore> {
  if (role !== 'target' && !existsSync(path))
    throw new AppError('input.invalid', `${path}: there is no store`)
  const db = attempt(path, () => new DatabaseSync(path, { readOnly: role === 'snapshot', timeout: busyMs }))
  try {
    attempt(path, () => (role === 'snapshot' ? beginSnapshot(db, path) : takeAlone(db)))
  } catch (error) {
    db.close()
    throw error
  }
  return movable(db, path)
}

/**
 * While this connection is open no other can read or write, and no other was open when it began. SQLite itself ensures
 * this in its mode without shared memory, whatever data folder a server has.
 */
function takeAlone(db: DatabaseSync): void {
  db.exec(
    'pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = full; begin immediate; commit',
  )
  migrate(db)
  db.exec('begin immediate')
  emptyLimiterLog(db)
  db.exec('commit')
}

/** Begins a snapshot; its first read fixes the moment. */
function beginSnapshot(db: DatabaseSync, path: string): void {
  db.exec('begin')
  const { user_version: version } = db.prepare('pragma user_version').get() as { user_version: number }
  if (version !== migrations.length)
    throw new AppError(
      'input.invalid',
      `${path}: has schema ${version}, and this version moves ${migrations.length}. Upgrade its server first.`,
    )
  coverByLimiterLog(db)
}

function movable(db: DatabaseSync, path: string): MovableStore {
  const selectMark = db.prepare('select value from meta where name = ?')
  const statements = new Map(movedTables.map((table) => [table.name, statementsOf(db, table)]))
  const of = (table: Table) => statements.get(table.name)!

  function putMark(mark: Mark | null): void {
    if (mark === null) db.prepare('delete from meta where name = ?').run(markName)
    else
      db.prepare('insert into meta values (?, ?) on conflict do update set value = excluded.value').run(
        markName,
        JSON.stringify(mark),
      )
  }

  function committed(act: () => void): void {
    db.exec('begin immediate')
    try {
      act()
      db.exec('commit')
    } catch (error) {
      if (db.isTransaction) db.exec('rollback')
      throw error
    }
  }

  const verb =
    <Args extends readonly unknown[], Result>(act: (...args: Args) => Result) =>
    async (...args: Args): Promise<Result> =>
      attempt(path, () => act(...args))

  return {
    name: `sqlite:${path}`,
    mark: verb(() => markOf(selectMark.get(markName)?.value)),
    setMark: verb((mark: Mark | null) => committed(() => putMark(mark))),
    count: verb((table: Table) => (of(table).count.get() as { rows: number }).rows),
    page: verb((table: Table, after: Cursor | null): Page => {
      const found = (after ? of(table).next.all(...after) : of(table).first.all()) as MovedRow[]
      const last = found.length === pageRows ? found.at(-1)! : null
      return {
        rows: found.map((row) => mapped(table, row, movedValue)),
        next: last && table.key.map((column) => last[column] as string | number),
      }
    }),
    add: verb((table: Table, rows: readonly MovedRow[], mark: Mark) =>
      committed(() => {
        const insert = of(table).insert()
        for (const row of rows)
          insert.run(
            ...(Object.values(mapped(table, row, storedValue)) as (string | number | null | Uint8Array)[]),
          )
        putMark(mark)
      }),
    ),
    clear: verb((mark: Mark) =>
      committed(() => {
        for (const { from, where } of movedTables.toReversed()) db.exec(`delete from ${from} where ${where}`)
        putMark(mark)
      }),
    ),
    timeReached: verb(() => engineTimeAfter(db)),
    behindMs: verb((time: number) => {
      keepEngineTime(db, time)
      return 0
    }),
    async settle() {},
    async [Symbol.asyncDispose]() {
      // Closing rolls back a transaction that is under way.
      if (db.isOpen) db.close()
    },
  }
}

function statementsOf(db: DatabaseSync, { from, where, key, columns }: Table) {
  const names = Object.keys(columns)
  const order = key.join(', ')
  const places = (list: readonly string[]) => list.map(() => '?').join(', ')
  const page = (condition: string) =>
    db.prepare(
      `select ${names.join(', ')} from ${from} where ${where} ${condition} order by ${order} limit ${pageRows}`,
    )
  return {
    first: page(''),
    next: page(`and (${order}) > (${places(key)})`),
    count: db.prepare(`select count(*) as rows from ${from} where ${where}`),
    // Prepared only when it is needed, because a snapshot may not even prepare a write.
    insert: () => db.prepare(`insert into ${from} (${names.join(', ')}) values (${places(names)})`),
  }
}

/** The values of a row, mapped, in the order of the table's columns. */
function mapped(
  table: Table,
  row: MovedRow,
  change: (kind: ColumnKind, value: unknown) => unknown,
): MovedRow {
  return Object.fromEntries(
    Object.entries(table.columns).map(([name, kind]) => {
      const value = row[name] ?? null
      return [name, value === null ? null : change(kind, value)]
    }),
  )
}

/** A value of a column in the form in which it moves between engines. */
function movedValue(kind: ColumnKind, value: unknown): unknown {
  switch (kind) {
    case 'text':
    case 'number':
      return value
    case 'flag':
      return value === 1
    case 'json':
      return JSON.parse(value as string)
    case 'numbers':
      return unpack(value as Uint8Array)
    case 'limiter':
      return keyOfRow(value as string)
  }
}

/** A value in the form in which SQLite keeps it. */
function storedValue(kind: ColumnKind, value: unknown): unknown {
  switch (kind) {
    case 'text':
    case 'number':
      return value
    case 'flag':
      return value === true ? 1 : 0
    case 'json':
      return JSON.stringify(value)
    case 'numbers':
      return pack(value as readonly number[])
    case 'limiter':
      return limiterRow(value as string)
  }
}

/** @throws AppError for every error of SQLite. Its words name columns, never values. */
function attempt<T>(path: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    if (error instanceof AppError) throw error
    if ((error as { errcode?: number }).errcode === busy)
      throw new AppError('store.locked', `${path}: a server or a command is using it. Stop it first.`, {
        cause: error,
      })
    throw new AppError('store.unavailable', `${path}: ${error instanceof Error ? error.message : error}`, {
      cause: error,
    })
  }
}
