/** The mark of a store that takes part in a move, so that no server uses a half-filled store, or both. */

import { AppError } from '../../errors.ts'

export type Cursor = readonly (string | number)[]

/**
 * leaving: the installation is being moved from here · left: it was moved from here · filling: it is being moved to here,
 * with the progress · copy: filled by a rehearsal, or by a move that failed · arrived: it was moved to here; a server may
 * use it.
 */
export type Mark =
  | { readonly kind: 'leaving' | 'left'; readonly move: string; readonly to: string }
  | {
      readonly kind: 'filling'
      readonly move: string
      readonly from: string
      /** The table whose rows come next, and the row after which they come; empty past the last table. */
      readonly table: string
      readonly after: Cursor | null
    }
  | { readonly kind: 'copy'; readonly from: string }
  | { readonly kind: 'arrived'; readonly move: string; readonly from: string }

/** Its name in the table `meta` of every engine. */
export const markName = 'move'

export function markOf(text: unknown): Mark | null {
  return typeof text === 'string' ? (JSON.parse(text) as Mark) : null
}

/**
 * Everyone but a move must call it before reading or writing anything.
 * @throws AppError `store.moved` if no server may use the store.
 */
export function refuseMoved(mark: Mark | null): void {
  switch (mark?.kind) {
    case undefined:
    case 'arrived':
      return
    case 'leaving':
      throw new AppError(
        'store.moved',
        `the store is being moved to ${mark.to}. Run that "countersign migrate" again to finish it, or take it back with --undo.`,
      )
    case 'left':
      throw new AppError('store.moved', `the store was moved to ${mark.to}; start on that one.`)
    case 'filling':
      throw new AppError(
        'store.moved',
        `the store is being filled from ${mark.from}. Run that "countersign migrate" again to finish it.`,
      )
    case 'copy':
      throw new AppError(
        'store.moved',
        `the store holds a copy of ${mark.from} that was not moved for good. Run "countersign migrate" without --rehearse first.`,
      )
  }
}
