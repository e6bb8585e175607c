/** One call of a provider, ended when its time is over. */

import { createTimeLimits, type Limited } from '../time-limits.ts'
import { type Accepted, DeliveryError, type Message, type Provider } from './provider.ts'

/** After its abort a provider has so long to report whether the message ever left. That is better than unknown. */
const lastWordMs = 200

const limits = createTimeLimits()

/**
 * Hands a message to a provider.
 * @throws DeliveryError of the provider, also after its abort at `timeoutMs`; or `unknown` a little later if it
 *   does not answer the abort, because it may have taken the message.
 */
export function sendWithTimeout(provider: Provider, message: Message, timeoutMs: number): Promise<Accepted> {
  return new Promise((resolve, reject) => {
    const sending = new Sending(timeoutMs, reject)
    limits.add(sending)
    provider.send(message, sending).then(
      (accepted) => {
        limits.delete(sending)
        resolve(accepted)
      },
      (error) => {
        limits.delete(sending)
        reject(error)
      },
    )
  })
}

class Sending implements Limited {
  until: number
  readonly #reject: (error: DeliveryError) => void
  #controller: AbortController | undefined

  constructor(timeoutMs: number, reject: (error: DeliveryError) => void) {
    this.until = performance.now() + timeoutMs
    this.#reject = reject
  }

  /** Made only for providers that look at it: it costs more than most hand-overs. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    return this.#controller.signal
  }

  expire(): void {
    if (this.#controller?.signal.aborted === false) {
      this.#controller.abort()
      this.until += lastWordMs
      limits.add(this)
    } else this.#reject(new DeliveryError('unknown', 'no answer in time'))
  }
}
