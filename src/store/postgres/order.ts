/** The one order in which rows are locked and made, so that no two transactions wait for each other. */

/** The columns sort by bytes of UTF-8. Keys are ASCII, so sorting them by UTF-16 gives the same order. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Sorts rows in that order. Each row's key is made once, because a sort compares it many times. */
export function inOrder<T>(rows: readonly T[], keyOf: (row: T) => string): T[] {
  return rows
    .map((row) => ({ row, key: keyOf(row) }))
    .sort((a, b) => byText(a.key, b.key))
    .map(({ row }) => row)
}
