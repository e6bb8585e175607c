/** The one order in which rows are locked and made, so that no two transactions wait for each other. */

/** By bytes of UTF-8, as the columns sort; alike by UTF-16 for all keys, which are ASCII. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Rows in that order by a key of each, which is made once: a sort asks for it many times. */
export function inOrder<T>(rows: readonly T[], keyOf: (row: T) => string): T[] {
  return rows
    .map((row) => ({ row, key: keyOf(row) }))
    .sort((a, b) => byText(a.key, b.key))
    .map(({ row }) => row)
}
