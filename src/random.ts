/** Random bytes for ids, drawn in large pieces: a system call for each id costs more than the rest of its request. */

import { randomFillSync } from 'node:crypto'

const page = Buffer.allocUnsafe(8192)
let used = page.length

/** @returns `count` bytes from the system's cryptographic source as lower-case hex; each is handed out once. */
export function randomHex(count: number): string {
  const from = taken(count)
  return page.toString('hex', from, from + count)
}

const timeBytes = 6

/**
 * The same after a time, so that ids sort by it. In one piece: `JSON.stringify` takes twice as long for texts that `+`
 * has put together (docs/speed.md).
 * @param ms  Since the epoch, as 12 hex digits.
 */
export function timedHex(ms: number, count: number): string {
  const from = taken(timeBytes + count)
  page.writeUIntBE(Math.floor(ms), from, timeBytes)
  return page.toString('hex', from, from + timeBytes + count)
}

/** @returns The place of so many bytes of the page, which nobody had before. */
function taken(count: number): number {
  if (used + count > page.length) {
    randomFillSync(page)
    used = 0
  }
  used += count
  return used - count
}
