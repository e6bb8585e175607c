/** The contract of an engine for moves: tables as pages of plain rows, and a mark. Nobody else uses the store meanwhile. */

import type { Cursor, Mark } from './mark.ts'
import type { MovedRow, Table } from './tables.ts'

/** source, target: alone on it · snapshot: reads it as of one moment, while others use it. */
export type MoveRole = 'source' | 'snapshot' | 'target'

export type Page = {
  readonly rows: readonly MovedRow[]
  /** The cursor of the next page, readable only by the engine that made it; null: these are the last rows. */
  readonly next: Cursor | null
}

/** Every call rejects with AppError `store.unavailable` if the engine fails, `store.locked` if another process uses the store. */
export type MovableStore = AsyncDisposable & {
  /** The name of the store in settings, without a password. */
  readonly name: string
  mark(): Promise<Mark | null>
  setMark(mark: Mark | null): Promise<void>
  count(table: Table): Promise<number>
  page(table: Table, after: Cursor | null): Promise<Page>
  /** Adds rows and sets the mark, both or neither; neither if the mark is not the one last seen by this opening. */
  add(table: Table, rows: readonly MovedRow[], mark: Mark): Promise<void>
  /** Deletes all rows of all tables and sets the mark, both or neither. */
  clear(mark: Mark): Promise<void>
  /** The latest engine time that anyone can have read, in ms since the epoch. */
  timeReached(): Promise<number>
  /** Makes engine time begin at `time` if the engine can. @returns How many ms engine time is behind `time`, or 0. */
  behindMs(time: number): Promise<number>
  /** Makes a store that was filled row by row ready for use. */
  settle(): Promise<void>
}
