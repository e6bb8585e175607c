/** The schema of a store at its opening: who may bring it up to date, and the errors for all others. */

import { AppError } from '../errors.ts'

export type SchemaOptions = {
  /**
   * false: refuse a missing store, or one with an older schema than this version's, instead of making or migrating it. A
   * server of the older version may be using it, and a command that only reads must not stop that server. Default true.
   */
  readonly migrates?: boolean
  /** Called when the schema was brought up to date; from 0 if the store was made. */
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
