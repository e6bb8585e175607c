/** The time a call-back was signed at: one recorded long ago must not be played again. */

const maxSeconds = 300

/** @param timestamp  Unix time in seconds. */
export function isRecent(timestamp: string, nowMs: number): boolean {
  return /^\d{9,11}$/.test(timestamp) && Math.abs(Number(timestamp) - nowMs / 1000) <= maxSeconds
}
