/** Limits the messages handed to a provider: a number at once, a number a second, and none while it asks for a pause. */

export type Gate = {
  readonly inFlight: number
  readonly isPaused: boolean
  /** The number of messages that wait for capacity. */
  readonly inLine: number
  /** Milliseconds until rate and pause allow one more; 0 if they do now, `undefined` if the window is full. */
  capacityInMs(): number | undefined
  /** Takes one of its capacity. Call it only after `capacityInMs` returned 0. */
  enter(): void
  leave(): void
  /** Admits no message for so long. It does not end hand-overs under way, nor shorten a pause that is running. */
  pause(ms: number): void
  /** Resolves when there is capacity, first come first served, or after `ms` at the latest. */
  waitForCapacity(ms: number): Promise<void>
}

/**
 * The longest pause that a carrier gets. A code that lives a minute cannot wait longer, and a carrier that asks for an
 * hour by mistake must not stop all sending. So such a carrier is tried again at most six times a minute.
 */
const maxPauseMs = 10_000

/** The messages of a second may go at once, and at least one message. */
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
    get inLine() {
      return waiting.size
    },
    capacityInMs() {
      if (inFlight >= window) return undefined
      const pauseMs = Math.max(0, Math.ceil(pausedUntil - now()))
      if (perSecond === null) return pauseMs
      fill()
      // Without the tolerance, rounding could delay a message by a thousandth of a token.
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
      pausedUntil = Math.max(pausedUntil, now() + Math.min(ms, maxPauseMs))
    },
    waitForCapacity: (ms) =>
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
