/** Random bytes for ids, drawn in large pieces: a system call for each id costs more than the rest of its request. */

import { randomFillSync } from 'node:crypto'

const page = Buffer.allocUnsafe(8192)
let used = page.length

/** @returns `count` bytes from the system's cryptographic source as lower-case hex; each is handed out once. */
export function randomHex(count: number): string {
  if (used + count > page.length) {
    randomFillSync(page)
    used = 0
  }
  used += count
  return page.toString('hex', used - count, used)
}
