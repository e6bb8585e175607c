/** The one order in which rows are locked and made, so that no two transactions wait for each other. */

/** By bytes of UTF-8, as the columns sort; alike by UTF-16 for all keys, which are ASCII. */
export function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
