/** Sweeps in pieces, one after the other, so that calls are served in between. */

import { setTimeout as pause } from 'node:timers/promises'

const pauseMs = 20

/**
 * @param piece  Does one piece. @returns Whether the next is due at once.
 * @returns A sweep. Callers that start one while another runs wait for that.
 */
export function inPieces(
  piece: (retentionMs: number) => Promise<boolean>,
): (retentionMs: number) => Promise<void> {
  let sweeping: Promise<void> | undefined
  async function all(retentionMs: number): Promise<void> {
    while (await piece(retentionMs)) await pause(pauseMs, undefined, { ref: false })
  }
  return (retentionMs) => {
    sweeping ??= all(retentionMs).finally(() => {
      sweeping = undefined
    })
    return sweeping
  }
}
