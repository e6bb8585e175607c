/** What the fault suites found, as rows of a table, where a script asks for them. */

import { appendFileSync } from 'node:fs'

export type FaultRow = {
  readonly promise: string
  readonly scenario: string
  readonly carrier: string
  readonly outcome: string
}

/** Appended to the file that COUNTERSIGN_FAULT_REPORT names, a line of JSON each. */
export function reportFault(row: FaultRow): void {
  const path = process.env.COUNTERSIGN_FAULT_REPORT
  if (path !== undefined) appendFileSync(path, `${JSON.stringify(row)}\n`)
}
