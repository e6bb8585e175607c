/** The time of day as a dependency: read once in each act, and set by tests. */

/** `now()` gives milliseconds since the Unix epoch. Read once per flow and handed down. */
export type Clock = { now(): number }

export const systemClock: Clock = { now: () => Date.now() }
