/** Every time that a session goes by, in ms (S-3, S-5), and the waits that are drawn by chance. */

export type Timings = {
  /** Name look-up, TCP and TLS together. */
  readonly connectMs: number
  /** From a request to its answer. */
  readonly answerMs: number
  /** Nothing received for so long: ask whether the peer is there. */
  readonly idleMs: number
  /** Sooner, if submits are waiting for their answers meanwhile: they have a minute to live. */
  readonly probeMs: number
  readonly reconnect: { readonly leastMs: number; readonly mostMs: number }
  /** After a bind was refused for good: nothing gets better by asking, and some carriers lock who asks often. */
  readonly refused: { readonly leastMs: number; readonly mostMs: number }
  readonly throttle: { readonly leastMs: number; readonly mostMs: number }
  /** For goodbyes: what is unanswered, then unbind. */
  readonly closeMs: number
  /** A bind that held so long was a good one: the next reconnect is quick again. */
  readonly settledMs: number
  /** How coarse all of these are. */
  readonly tickMs: number
}

export const defaultTimings: Timings = {
  connectMs: 5_000,
  answerMs: 10_000,
  idleMs: 30_000,
  probeMs: 2_000,
  reconnect: { leastMs: 1_000, mostMs: 60_000 },
  refused: { leastMs: 60_000, mostMs: 900_000 },
  throttle: { leastMs: 100, mostMs: 5_000 },
  closeMs: 1_000,
  settledMs: 10_000,
  tickMs: 50,
}

type Range = { readonly leastMs: number; readonly mostMs: number }

/** Full jitter: anything from the least wait to one that doubles with each failure. So restarts do not come in waves. */
export function fullJitter({ leastMs, mostMs }: Range, failures: number, random: () => number): number {
  const ceiling = Math.min(mostMs, leastMs * 2 ** failures)
  return leastMs + random() * (ceiling - leastMs)
}

/** Doubles with each failure from the least wait on; up to half as long again by chance, but never out of the range. */
export function doubled({ leastMs, mostMs }: Range, failures: number, random: () => number): number {
  return Math.min(mostMs / 1.5, leastMs * 2 ** (failures - 1)) * (1 + random() / 2)
}
