/** The calls under way to an engine: refused beyond its capacity and at their deadline, and awaited at its close. */

import { dueBy } from '../deadline.ts'
import { AppError } from '../errors.ts'
import type { EngineOptions } from './engine-options.ts'

/** With more calls under way the engine cannot keep up: refusing at once is better than letting all of them wait. */
const capacity = 20_000
/** How late a deadline may be noticed. One check of all calls costs less than a timer for each. */
const checkDeadlinesMs = 25
const deadlineMsByDefault = 800

type Pending = {
  readonly verb: string
  readonly startedAt: number
  readonly until: number
  resolve(value: never): void
  reject(error: AppError): void
}

/** Times are by `performance.now()`. Every failure is an AppError `store.unavailable`. */
export function trackCalls({ deadlineMs = deadlineMsByDefault, onAnswered }: EngineOptions) {
  const pending = new Map<number, Pending>()
  let lastId = 0
  let refusal: string | undefined
  let onDrained: (() => void) | undefined
  let isChecking = false

  const untilOf = (): number => dueBy(performance.now() + deadlineMs)

  /** Checks only while calls are under way, so that an idle server stays idle. */
  function checkLater(): void {
    isChecking = pending.size > 0
    if (isChecking) setTimeout(check, checkDeadlinesMs).unref()
  }

  function check(): void {
    const time = performance.now()
    for (const [id, { until }] of pending)
      if (until <= time) fail(id, new AppError('store.unavailable', `no answer within ${deadlineMs} ms`))
    checkLater()
  }

  function ended(id: number): Pending | undefined {
    const call = pending.get(id)
    if (!call) return undefined // its deadline came first
    pending.delete(id)
    onAnswered?.(call.verb, performance.now() - call.startedAt)
    if (pending.size === 0) onDrained?.()
    return call
  }

  function settle(id: number, value: unknown): void {
    ended(id)?.resolve(value as never)
  }

  function fail(id: number, error: AppError): void {
    ended(id)?.reject(error)
  }

  /**
   * Begins a call, which ends by `settle` or `fail`.
   * @param start  Sends it on its way. It must not take effect after `until`.
   */
  function begin<T>(verb: string, start: (id: number, until: number) => void, until = untilOf()): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (refusal !== undefined) return reject(new AppError('store.unavailable', refusal))
      if (pending.size >= capacity)
        return reject(new AppError('store.unavailable', 'too many calls under way'))
      const id = ++lastId
      pending.set(id, { verb, startedAt: performance.now(), until, resolve, reject })
      if (!isChecking) checkLater()
      start(id, until)
    })
  }

  return {
    /** The end of a call that begins now: its own deadline, or that of the request it is made for if that is sooner. */
    untilOf,
    begin,
    settle,
    fail,

    /** A call that ends as its act does. */
    call: <T>(verb: string, act: (until: number) => Promise<T>, until = untilOf()): Promise<T> =>
      begin<T>(
        verb,
        (id) => {
          act(until).then(
            (value) => settle(id, value),
            (error: unknown) => fail(id, unavailable(error)),
          )
        },
        until,
      ),

    /** Refuses all calls, also those under way. */
    refuse(reason: string): void {
      refusal ??= reason
      for (const id of [...pending.keys()]) fail(id, new AppError('store.unavailable', refusal))
    },

    /** Refuses new calls; resolves when those under way have ended, at the latest by their deadlines. */
    async drain(): Promise<void> {
      refusal ??= 'the store is closed'
      if (pending.size > 0)
        await new Promise<void>((resolve) => {
          onDrained = resolve
        })
    },
  }
}

/** The error that callers get for any failure, even for a move of the store, because they could not act on the difference. */
export function unavailable(error: unknown): AppError {
  if (error instanceof AppError && error.code === 'store.unavailable') return error
  return new AppError('store.unavailable', error instanceof Error ? error.message : String(error), {
    cause: error,
  })
}
