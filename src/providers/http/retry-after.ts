/** The wait that a carrier asks for by `Retry-After` (RFC 9110 10.2.3): seconds, or a date and time. */

/** @returns Milliseconds, at least 0; undefined if there is no readable header. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined
  const text = header.trim()
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000
  // Node's parser accepts far more than the three forms of HTTP, such as -1, which it reads as a year.
  if (!/^[A-Z][a-z]+,? /.test(text)) return undefined
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}
