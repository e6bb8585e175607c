/** How long a carrier asks to be left alone, by the header of RFC 9110 10.2.3: seconds, or the time of a clock. */

/** @returns Milliseconds, at least 0; undefined if there is none that can be read. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  // Node reads far more than the three forms of HTTP, such as -1 as a year.
  if (!/^[A-Z][a-z]+,? /.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}
