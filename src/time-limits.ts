/** Ends whatever takes too long: one regular check of all that is under way, because a timer for each costs more than most hand-overs. */

export type Limited = {
  /** By `performance.now()`. */
  readonly until: number
  /** Whether it is to end sooner. */
  isAborted?(): boolean
  /** Ends it. It is not checked any more, unless it is added again. */
  expire(): void
}

export type TimeLimits = {
  add(one: Limited): void
  delete(one: Limited): void
}

const defaultCheckMs = 50

/** @param checkMs  Between two checks: so much late a limit may be noticed. Nothing ticks while nothing is under way. */
export function createTimeLimits(checkMs = defaultCheckMs): TimeLimits {
  const underWay = new Set<Limited>()
  let ticking: NodeJS.Timeout | undefined

  function check(): void {
    const now = performance.now()
    for (const one of underWay)
      if (one.until <= now || one.isAborted?.()) {
        underWay.delete(one)
        one.expire()
      }
    if (underWay.size > 0) return
    clearInterval(ticking)
    ticking = undefined
  }

  return {
    add(one) {
      underWay.add(one)
      ticking ??= setInterval(check, checkMs).unref()
    },
    delete(one) {
      underWay.delete(one)
    },
  }
}
