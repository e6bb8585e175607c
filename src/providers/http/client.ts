/** The way to one carrier's server: kept connections with one request on each at a time, bounded in time and size. */

import { type Dispatcher, Pool } from 'undici'
import { createTimeLimits, type Limited } from '../../time-limits.ts'
import type { Answer } from './answer.ts'
import { type ConnectSettings, guardedConnect } from './guarded-connect.ts'
import type { Outgoing } from './outgoing.ts'

/** No complete answer came. */
export class Lost extends Error {
  /** Whether the request went out: if so, the carrier may have taken it. */
  readonly wasSent: boolean

  constructor(wasSent: boolean, reason: string) {
    super(reason)
    this.wasSent = wasSent
  }
}

export type HttpClient = {
  /**
   * @param options.signal  Read now and then, so that whoever makes one on demand makes none for a quick answer.
   * @throws Lost
   */
  exchange(request: Outgoing, options: { readonly signal: AbortSignal }): Promise<Answer>
  close(): Promise<void>
}

export type HttpClientSettings = ConnectSettings & {
  readonly connections: number
}

/** The time limit of a whole exchange, just less than that of a dispatch. */
const exchangeTimeoutMs = 9_000
/** How long an idle connection is kept. If the server ended it just as a request goes out, that request would be lost. */
const maxIdleMs = 4_000
const maxAnswerBytes = 64 * 1024

const limits = createTimeLimits()

export function createHttpClient(settings: HttpClientSettings): HttpClient {
  const pool = new Pool(new URL(settings.server).origin, {
    connections: settings.connections,
    pipelining: 1,
    keepAliveTimeout: maxIdleMs,
    // undici's limits are off: ours on time covers the whole exchange, and ours on size names the answer.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: -1,
    connect: guardedConnect(settings),
  })

  return {
    exchange: ({ method, path, headers, body }, options) =>
      new Promise((resolve, reject) => {
        const exchange = new Exchange(options, resolve, reject)
        if (options.signal.aborted) return exchange.expire()
        limits.add(exchange)
        pool.dispatch({ method, path, headers, body: body === '' ? null : body }, exchange)
      }),
    close: () => pool.destroy(),
  }
}

/** One request and its answer. It is a class so that its handlers are made once and not anew for each message. */
class Exchange implements Limited, Dispatcher.DispatchHandler {
  readonly until = performance.now() + exchangeTimeoutMs
  readonly #options: { readonly signal: AbortSignal }
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (lost: Lost) => void
  /** Set when the request goes out. */
  #controller: Dispatcher.DispatchController | undefined
  #isOver = false
  #status = 0
  #headers: Answer['headers'] = {}
  readonly #chunks: Buffer[] = []
  #size = 0

  constructor(
    options: { readonly signal: AbortSignal },
    resolve: (answer: Answer) => void,
    reject: (lost: Lost) => void,
  ) {
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
  }

  isAborted(): boolean {
    return this.#options.signal.aborted
  }

  expire(): void {
    this.#lose(this.#controller ? 'no answer in time' : 'no connection in time')
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up while it waited for a connection: nothing has gone out, so nothing can have been taken.
    if (!this.#isOver && this.isAborted()) this.expire()
    if (this.#isOver) controller.abort(new Lost(false, 'given up'))
    else this.#controller = controller
  }

  onResponseStart(_controller: unknown, status: number, headers: object): void {
    this.#status = status
    this.#headers = headers as Answer['headers']
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.#size += chunk.length
    this.#chunks.push(chunk)
    if (this.#size > maxAnswerBytes) this.#lose(`${this.#status}, an answer beyond 64 KiB`)
  }

  onResponseEnd(): void {
    if (this.#isOver) return
    this.#end()
    const [first] = this.#chunks
    const bytes = first && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks)
    this.#resolve({ status: this.#status, headers: this.#headers, text: textOf(bytes) })
  }

  onResponseError(_controller: unknown, error: Error & { code?: string }): void {
    this.#lose(error.code ?? error.message)
  }

  /** Ends the exchange without an answer, and its connection, on which an answer may still come. */
  #lose(reason: string): void {
    if (this.#isOver) return
    this.#end()
    const lost = new Lost(this.#controller !== undefined, reason)
    this.#controller?.abort(lost)
    this.#reject(lost)
  }

  #end(): void {
    this.#isOver = true
    limits.delete(this)
  }
}

/** The text without the byte order mark that some carriers put before it, which JSON does not allow. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}
