/** Checks the time at which a call-back was signed, so that an old one cannot be recorded and sent again. */

const maxSeconds = 300

/** @param timestamp  Unix time in seconds. */
export function isRecent(timestamp: string, nowMs: number): boolean {
  return /^\d{9,11}$/.test(timestamp) && Math.abs(Number(timestamp) - nowMs / 1000) <= maxSeconds
}
