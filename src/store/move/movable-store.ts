/** The contract of an engine for moves: its tables by pages of plain rows, and its mark. Nobody else uses it meanwhile. */

import type { Cursor, Mark } from './mark.ts'
import type { MovedRow, Table } from './tables.ts'

/** source, target: alone on it · snapshot: reads it as of one moment, while others use it. */
export type MoveRole = 'source' | 'snapshot' | 'target'

export type Page = {
  readonly rows: readonly MovedRow[]
  /** Where to go on; null: these are the last rows. Understood by the engine that made it alone. */
  readonly next: Cursor | null
}

/** Every call rejects with AppError `store.unavailable` if the engine fails, `store.locked` if someone else got in. */
export type MovableStore = AsyncDisposable & {
  /** As a setting names it; holds no password. */
  readonly name: string
  mark(): Promise<Mark | null>
  setMark(mark: Mark | null): Promise<void>
  count(table: Table): Promise<number>
  page(table: Table, after: Cursor | null): Promise<Page>
  /** Adds rows and sets the mark, both or neither; neither if the mark is not the one last seen by this opening. */
  add(table: Table, rows: readonly MovedRow[], mark: Mark): Promise<void>
  /** Deletes all rows of all tables and sets the mark, both or neither. */
  clear(mark: Mark): Promise<void>
  /** The latest time that the engine can have told anyone, in ms since the epoch. */
  timeReached(): Promise<number>
  /** Makes engine time begin at `time` if the engine can. @returns How many ms it is behind it; 0: it is not. */
  behindMs(time: number): Promise<number>
  /** Makes ready for use what was filled row by row. */
  settle(): Promise<void>
}
