/** One call of a provider that takes no longer than it may. */

import { type Accepted, DeliveryError, type Message, type Provider } from './provider.ts'

/** Time-outs are this coarse: a timer for each message would cost more than most hand-overs. */
const tickMs = 50
/** What was told to stop may still say whether the message ever left: a better word than unknown. */
const lastWordMs = 200

type Waiting = { until: number; readonly expire: () => void }

const waiting = new Set<Waiting>()
let ticking: NodeJS.Timeout | undefined

/**
 * Hands a message to a provider.
 * @throws DeliveryError as the provider does, also on being told to stop after `timeoutMs`; or `unknown`
 *   a little later if it says nothing: the message may have been taken.
 */
export function handOverWithin(provider: Provider, message: Message, timeoutMs: number): Promise<Accepted> {
  return new Promise((resolve, reject) => {
    let controller: AbortController | undefined
    const one: Waiting = {
      until: performance.now() + timeoutMs,
      expire() {
        if (controller && !controller.signal.aborted) {
          controller.abort()
          one.until += lastWordMs
          waiting.add(one)
          return
        }
        reject(new DeliveryError('unknown', 'no answer in time'))
      },
    }
    waiting.add(one)
    ticking ??= setInterval(tick, tickMs).unref()
    const options = {
      // Made only for providers that look at it.
      get signal() {
        controller ??= new AbortController()
        return controller.signal
      },
    }
    provider.send(message, options).then(
      (accepted) => {
        waiting.delete(one)
        resolve(accepted)
      },
      (error) => {
        waiting.delete(one)
        reject(error)
      },
    )
  })
}

function tick(): void {
  const now = performance.now()
  for (const one of waiting)
    if (one.until <= now) {
      waiting.delete(one)
      one.expire()
    }
  if (waiting.size === 0) {
    clearInterval(ticking)
    ticking = undefined
  }
}
