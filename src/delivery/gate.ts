/** How much a provider is handed: at most so many at once, so many a second, and none while it asks for a pause. */

export type Gate = {
  readonly inFlight: number
  readonly isPaused: boolean
  /** Milliseconds until one more fits by its rate or its pause ends; 0 if now, `undefined` if its window is full. */
  roomInMs(): number | undefined
  /** Takes a place; only after `roomInMs` said 0. */
  enter(): void
  leave(): void
  /** Lets none in for so long. Those inside are not hurried, and a pause under way gets no shorter. */
  pause(ms: number): void
  /** Resolves when one has left, first come first served, or after `ms` at the latest. */
  room(ms: number): Promise<void>
}

/**
 * A pause a carrier asks for is kept no longer: a minute's life has no more to spare, and a server that says an
 * hour by mistake must not silence the only carrier there is. It is asked again six times a minute at most.
 */
const longestPauseMs = 10_000

/** A second's worth may go at once, and at least one. */
export function createGate(
  { perSecond, window }: { readonly perSecond: number | null; readonly window: number },
  now: () => number,
): Gate {
  const burst = perSecond === null ? 0 : Math.max(1, perSecond)
  let tokens = burst
  let filledAt = now()
  let inFlight = 0
  let pausedUntil = 0
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
    get isPaused() {
      return now() < pausedUntil
    },
    roomInMs() {
      if (inFlight >= window) return undefined
      const pauseMs = Math.max(0, Math.ceil(pausedUntil - now()))
      if (perSecond === null) return pauseMs
      fill()
      // Rounding must not ask for a thousandth of a message more.
      const fillMs = tokens >= 1 - 1e-9 ? 0 : Math.ceil(((1 - tokens) / perSecond) * 1000)
      return Math.max(pauseMs, fillMs)
    },
    enter() {
      inFlight++
      if (perSecond !== null) tokens--
    },
    leave() {
      inFlight--
      waiting.values().next().value?.()
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, now() + Math.min(ms, longestPauseMs))
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
