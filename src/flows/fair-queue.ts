/** A queue before a costly act: few at once, known callers before strangers, networks by turns, and no long wait. */

import { AsyncLocalStorage } from 'node:async_hooks'

/** A waiting caller: its network, and whether it succeeded from there before. */
export type Caller = { readonly network: string; readonly isKnown: boolean }

export type FairQueue = {
  /**
   * Acts when its turn comes.
   * @param until  By `performance.now()`.
   * @returns undefined if the turn did not come by then, or if too many wait.
   */
  inTurn<T>(who: Caller, until: number, act: () => Promise<T>): Promise<T | undefined>
}

type Waiter = { readonly network: string; start(): void; refuse(): void }

/** After so many known callers in a row it is a stranger’s turn, so that known callers cannot stop strangers either. */
const maxKnownInARow = 3

/** @param maxRunning  Acts at the same time. @param maxWaiting  Known callers in the queue, and as many strangers. */
export function createFairQueue(maxRunning: number, maxWaiting: number): FairQueue {
  const [known, strangers] = [createTurns(maxWaiting), createTurns(maxWaiting)]
  let running = 0
  let knownInARow = 0

  function startNext(): void {
    while (running < maxRunning) {
      const isStrangersTurn = knownInARow >= maxKnownInARow && strangers.size() > 0
      const next = (isStrangersTurn ? undefined : known.shift()) ?? strangers.shift()
      if (!next) return
      running++
      next.start()
    }
  }

  return {
    inTurn<T>({ network, isKnown }: Caller, until: number, act: () => Promise<T>): Promise<T | undefined> {
      return new Promise<T | undefined>((resolve, reject) => {
        const queue = isKnown ? known : strangers
        // A turn begins when another ends, but the act must run under its own deadline and not under the other's.
        const actAsCaller = AsyncLocalStorage.bind(act)
        const waiter: Waiter = {
          network,
          start() {
            clearTimeout(timer)
            knownInARow = isKnown ? knownInARow + 1 : 0
            actAsCaller()
              .then(resolve, reject)
              .finally(() => {
                running--
                startNext()
              })
          },
          refuse() {
            clearTimeout(timer)
            resolve(undefined)
          },
        }
        const timer = setTimeout(
          () => {
            queue.remove(waiter)
            resolve(undefined)
          },
          Math.max(0, until - performance.now()),
        )
        queue.push(waiter)
        startNext()
      })
    },
  }
}

/** First in, first out within a network; networks take turns. If full, it refuses the newest caller of the longest network. */
function createTurns(maxWaiting: number) {
  const networks = new Map<string, Waiter[]>()
  let size = 0
  function longest(): Waiter[] {
    return [...networks.values()].reduce((a, b) => (b.length > a.length ? b : a))
  }
  function remove(waiter: Waiter): void {
    const waiting = networks.get(waiter.network)
    const at = waiting?.indexOf(waiter) ?? -1
    if (!waiting || at < 0) return
    waiting.splice(at, 1)
    size--
    if (waiting.length === 0) networks.delete(waiter.network)
  }
  return {
    size: () => size,
    remove,
    push(waiter: Waiter): void {
      const waiting = networks.get(waiter.network)
      if (waiting) waiting.push(waiter)
      else networks.set(waiter.network, [waiter])
      size++
      if (size <= maxWaiting) return
      const refused = longest().at(-1)!
      remove(refused)
      refused.refuse()
    },
    shift(): Waiter | undefined {
      const first = networks.entries().next().value
      if (!first) return undefined
      const [network, waiting] = first
      const waiter = waiting[0]!
      remove(waiter)
      if (waiting.length > 0) {
        networks.delete(network)
        networks.set(network, waiting)
      }
      return waiter
    },
  }
}
