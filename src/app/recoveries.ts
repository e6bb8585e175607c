/** Applies recoveries whose time has come. Every process looks; the store lets one of them do each. */

import { applyDueRecoveries } from '../flows/recovery.ts'
import type { Services } from '../flows/services.ts'

/** A recovery waits for hours, so a second more is nothing. */
const everyMs = 1_000

export function startRecoveries(services: Services): AsyncDisposable {
  let underWay: Promise<void> | undefined
  const timer = setInterval(() => {
    // A store that is away is shown elsewhere; the recovery stays due.
    underWay ??= applyDueRecoveries(services)
      .catch(() => undefined)
      .finally(() => {
        underWay = undefined
      })
  }, everyMs)
  timer.unref()
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await underWay
    },
  }
}
