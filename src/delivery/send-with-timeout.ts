/** One call of a provider, ended when its time is over. */

import { type Accepted, DeliveryError, type Message, type Provider } from './provider.ts'

/** Time-outs are checked this often: a timer for each message would cost more than most hand-overs. */
const tickMs = 50
/** After its abort a provider has so long to report whether the message ever left. That is better than unknown. */
const lastWordMs = 200

type Waiting = { until: number; readonly expire: () => void }

const waiting = new Set<Waiting>()
let ticking: NodeJS.Timeout | undefined

/**
 * Hands a message to a provider.
 * @throws DeliveryError of the provider, also after its abort at `timeoutMs`; or `unknown` a little later if it
 *   does not answer the abort, because it may have taken the message.
 */
export function sendWithTimeout(provider: Provider, message: Message, timeoutMs: number): Promise<Accepted> {
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
