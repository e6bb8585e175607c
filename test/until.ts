/** Waits for an event that a test expects, as long as it may take on a busy machine. */

/** @throws Error if nothing came within a minute, because a test that waits for ever gives no reason. */
export async function until<T>(
  look: () => Promise<T | undefined | false> | T | undefined | false,
  withinMs = 60_000,
): Promise<T> {
  for (const end = performance.now() + withinMs; performance.now() < end; ) {
    const found = await look()
    if (found) return found
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  throw new Error(`it did not come to be in ${withinMs / 1000} s: ${look}`)
}
