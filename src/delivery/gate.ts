/** How much a provider is handed: at most so many at once, and so many a second. */

export type Gate = {
  readonly inFlight: number
  /** Milliseconds until one more fits by its rate; 0 if now, `undefined` if its window is full. */
  roomInMs(): number | undefined
  /** Takes a place; only after `roomInMs` said 0. */
  enter(): void
  leave(): void
  /** Resolves when one has left, first come first served, or after `ms` at the latest. */
  room(ms: number): Promise<void>
}

/** A second's worth may go at once, and at least one. */
export function createGate(
  { perSecond, window }: { readonly perSecond: number | null; readonly window: number },
  now: () => number,
): Gate {
  const burst = perSecond === null ? 0 : Math.max(1, perSecond)
  let tokens = burst
  let filledAt = now()
  let inFlight = 0
  const waiting = new Set<() => void>()

  function fill(): void {
    if (perSecond === null) return
    const time = now()
    tokens = Math.min(burst, tokens + ((time - filledAt) / 1000) * perSecond)
    filledAt = time
  }

  return {
    get inFlight() {
      return inFlight
    },
    roomInMs() {
      if (inFlight >= window) return undefined
      if (perSecond === null) return 0
      fill()
      // Rounding must not ask for a thousandth of a message more.
      return tokens >= 1 - 1e-9 ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1000)
    },
    enter() {
      inFlight++
      if (perSecond !== null) tokens--
    },
    leave() {
      inFlight--
      waiting.values().next().value?.()
    },
    room: (ms) =>
      new Promise((resolve) => {
        const end = () => {
          clearTimeout(timer)
          waiting.delete(end)
          resolve()
        }
        const timer = setTimeout(end, ms)
        waiting.add(end)
      }),
  }
}
