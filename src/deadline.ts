/** By when the answer to a request is due: carried along with it, so that all it asks of the store ends by then. */

import { AsyncLocalStorage } from 'node:async_hooks'

const answers = new AsyncLocalStorage<number>()

/**
 * A request asks the store several times, one after the other. Each has its own deadline; on a store that is slow
 * and not away they would add up, and the caller would be refused when it has long gone.
 * @param until  By `performance.now()`. @param act  The rest of the request, with all that it waits for.
 */
export function answerBy(until: number, act: () => void): void {
  answers.run(until, act)
}

/** Runs an act that a request begins but does not wait for, such as a hand-over, without the request's deadline. */
export function apartFromAnswer<T>(act: () => T): T {
  return answers.exit(act)
}

/** Runs what a request does after a wait that was not for the store: its deadline is later by that wait. */
export function laterBy<T>(waitedMs: number, act: () => T): T {
  const until = answers.getStore()
  return until === undefined ? act() : answers.run(until + waitedMs, act)
}

/** The end of a call to the store: its own, or that of the request it is made for if that is sooner. */
export function dueBy(until: number): number {
  return Math.min(until, answers.getStore() ?? Number.POSITIVE_INFINITY)
}
