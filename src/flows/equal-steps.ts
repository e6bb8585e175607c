/** Answers at steps of time, so that what an act does behind an answer does not show in its time. */

import { setTimeout as pause } from 'node:timers/promises'

/**
 * @param stepMs  Longer than the act takes, where there is no load.
 * @returns The act's result, at the first step after it. The steps are timed from the request on, so that a timer's rounding
 *   shows nothing of the act either.
 */
export async function inSteps<T>(stepMs: number, act: () => Promise<T>): Promise<T> {
  let isDone = false
  const result = act().finally(() => {
    isDone = true
  })
  result.catch(() => undefined) // it is awaited below, after a step
  do await pause(stepMs)
  while (!isDone)
  return result
}
