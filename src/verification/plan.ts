/** What the times of a plan's steps are held to, whoever states it. */

import type { PlanStep } from './details.ts'

export const maxSteps = 4
/** A message that comes later than this before the end of its code could not be typed in time. */
const minLifeOfStepMs = 20_000

/** Between two messages by one channel. The gaps of limits are between starts, and longer than many codes live. */
const minGapMs = 10_000

type Timed = Pick<PlanStep, 'channel' | 'afterMs'>

/** @param lifetimeMs  Of the code. @returns What is wrong, and with which step; undefined: nothing. */
export function timesFault(
  plan: readonly Timed[],
  lifetimeMs: number,
): { readonly at: number; readonly detail: string } | undefined {
  for (const [at, { channel, afterMs }] of plan.entries()) {
    const before = plan[at - 1]
    if (before === undefined ? afterMs !== 0 : afterMs <= before.afterMs)
      return { at, detail: 'the first step is at 0, and each later one after the one before' }
    const same = plan.slice(0, at).findLast((step) => step.channel === channel)
    if (same && afterMs - same.afterMs < minGapMs)
      return { at, detail: `two messages by one channel are ${minGapMs / 1000} s apart at least` }
    if (!isInLife({ afterMs }, lifetimeMs))
      return {
        at,
        detail: `the code lives ${lifetimeMs / 1000} s, and a step must come ${minLifeOfStepMs / 1000} s before its end`,
      }
  }
  return undefined
}

export function isInLife({ afterMs }: Pick<Timed, 'afterMs'>, lifetimeMs: number): boolean {
  return afterMs === 0 || afterMs <= lifetimeMs - minLifeOfStepMs
}
