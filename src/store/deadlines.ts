/** Refuses calls whose deadline has passed, by one regular look at all of them instead of a timer for each. */

import { AppError } from '../errors.ts'

const checkMs = 25

export type Deadlines = Disposable & {
  /** Settles as `act` does, or is refused at `until` (by `performance.now()`), whichever comes first. */
  within<T>(until: number, act: Promise<T>): Promise<T>
}

export function createDeadlines(): Deadlines {
  const awaited = new Map<number, { readonly until: number; refuse(): void }>()
  let last = 0
  const timer = setInterval(() => {
    const time = performance.now()
    for (const [id, one] of awaited)
      if (one.until <= time) {
        awaited.delete(id)
        one.refuse()
      }
  }, checkMs)
  timer.unref()
  return {
    within<T>(until: number, act: Promise<T>): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        const id = ++last
        awaited.set(id, {
          until,
          refuse: () => reject(new AppError('store.unavailable', 'no answer within the deadline')),
        })
        act.then(
          (value) => {
            awaited.delete(id)
            resolve(value)
          },
          (error: unknown) => {
            awaited.delete(id)
            reject(error)
          },
        )
      })
    },
    [Symbol.dispose]: () => clearInterval(timer),
  }
}
