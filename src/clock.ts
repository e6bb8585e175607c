/** The time of day, so that nothing reads it twice in one act and tests can set it. */

/** `now()` gives milliseconds since the Unix epoch. Read once per flow and handed down. */
export type Clock = { now(): number }

export const systemClock: Clock = { now: () => Date.now() }
