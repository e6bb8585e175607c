/** How late the event loop comes to its timers, measured while the server answers: at rest no timer ticks for it. */

import { monitorEventLoopDelay } from 'node:perf_hooks'

/** The resolution that prom-client has measured by. */
const tickMs = 10
/** Without an answer for so long the server is at rest. */
const restAfterMs = 1_000

export type LoopLag = {
  /** The server has answered something. */
  note(): void
  /** Delays in ns since it was last reset, those at rest left out. */
  readonly delays: ReturnType<typeof monitorEventLoopDelay>
}

export function createLoopLag(): LoopLag {
  const delays = monitorEventLoopDelay({ resolution: tickMs })
  let hasAnswered = false
  let resting: NodeJS.Timeout | undefined

  function rest(): void {
    if (hasAnswered) {
      hasAnswered = false
      return
    }
    delays.disable()
    clearInterval(resting)
    resting = undefined
  }

  return {
    delays,
    note() {
      hasAnswered = true
      if (resting) return
      delays.enable()
      resting = setInterval(rest, restAfterMs).unref()
    },
  }
}
