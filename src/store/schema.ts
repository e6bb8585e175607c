/** What opening a store does about its schema: who may bring it up to date, and what the others are told. */

import { AppError } from '../errors.ts'

export type SchemaOptions = {
  /**
   * false: refuse a store that is not there, or whose schema is older than this version's, instead of mending that. A server of the older
   * version may be using it, which a command that only looks must not stop. Default true.
   */
  readonly migrates?: boolean
  /** The schema was brought up to date; from 0: it was made. */
  readonly onMigrated?: (from: number, to: number) => void
}

/** @throws AppError `store.schema-newer` */
export function refuseNewer(present: number, known: number): void {
  if (present > known)
    throw new AppError(
      'store.schema-newer',
      `The store has schema ${present}; this version of Countersign knows ${known}. Run the newer version, or restore a backup.`,
    )
}

/** @throws AppError `store.absent`, `store.schema-older` */
export function refuseOlder(present: number, known: number): void {
  if (present === 0) throw new AppError('store.absent')
  if (present < known)
    throw new AppError(
      'store.schema-older',
      `The store has schema ${present}; this version of Countersign needs ${known}. Stop the older server, then start this version or run "countersign migrate".`,
    )
}
