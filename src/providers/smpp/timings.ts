/** All time limits of a session, in ms (S-3, S-5), and its random waits. */

export type Timings = {
  /** Name look-up, TCP and TLS together. */
  readonly connectMs: number
  /** From a request to its answer. */
  readonly answerMs: number
  /** After this silence, ask whether the peer is there. */
  readonly idleMs: number
  /** The same while submits wait for their answers; shorter, because their codes live for a minute. */
  readonly probeMs: number
  readonly reconnect: { readonly minMs: number; readonly maxMs: number }
  /** The wait after a bind was refused for good: some carriers lock an account that asks often. */
  readonly refused: { readonly minMs: number; readonly maxMs: number }
  readonly throttle: { readonly minMs: number; readonly maxMs: number }
  /** The time for closing: for unanswered requests, then for unbind. */
  readonly closeMs: number
  /** After a bind that lasted this long the next reconnect is quick again. */
  readonly settledMs: number
  /** How often all of these are checked while an answer is awaited. */
  readonly tickMs: number
}

export const defaultTimings: Timings = {
  connectMs: 5_000,
  answerMs: 10_000,
  idleMs: 30_000,
  probeMs: 2_000,
  reconnect: { minMs: 1_000, maxMs: 60_000 },
  refused: { minMs: 60_000, maxMs: 900_000 },
  throttle: { minMs: 100, maxMs: 5_000 },
  closeMs: 1_000,
  settledMs: 10_000,
  tickMs: 50,
}

type Range = { readonly minMs: number; readonly maxMs: number }

/** Full jitter: a random wait up to one that doubles with each failure, so that reconnects do not come in waves. */
export function fullJitter({ minMs, maxMs }: Range, failures: number, random: () => number): number {
  const ceiling = Math.min(maxMs, minMs * 2 ** failures)
  return minMs + random() * (ceiling - minMs)
}

/** The least wait, doubled with each failure, plus up to half of it at random; never outside the range. */
export function doubled({ minMs, maxMs }: Range, failures: number, random: () => number): number {
  return Math.min(maxMs / 1.5, minMs * 2 ** (failures - 1)) * (1 + random() / 2)
}
