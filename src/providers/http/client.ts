/** The way to one carrier's server: kept connections with one request on each at a time, bounded in time and size. */

import { type Dispatcher, Pool } from 'undici'
import { createTimeLimits, type Limited } from '../../time-limits.ts'
import type { Answer } from './answer.ts'
import { type ConnectSettings, guardedConnect } from './guarded-connect.ts'
import type { Outgoing } from './outgoing.ts'

/** No complete answer came. */
export class Lost extends Error {
  /** The request went out, so that the carrier may have taken it. */
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

/** Of a whole exchange: just less than a dispatch may take. */
const exchangeTimeoutMs = 9_000
/** A connection that the server ends at the same moment loses a request: rather a new one soon. */
const maxIdleMs = 4_000
const maxAnswerBytes = 64 * 1024

const limits = createTimeLimits()

export function createHttpClient(settings: HttpClientSettings): HttpClient {
  const pool = new Pool(new URL(settings.server).origin, {
    connections: settings.connections,
    pipelining: 1,
    keepAliveTimeout: maxIdleMs,
    // Our own limit on time is on the whole exchange, and that on size says which answer it was.
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

/** One request and its answer. A class, for its handlers are then made once and not anew for each message. */
class Exchange implements Limited, Dispatcher.DispatchHandler {
  readonly until = performance.now() + exchangeTimeoutMs
  readonly #options: { readonly signal: AbortSignal }
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (lost: Lost) => void
  /** From when the request goes out. */
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
    // Given up while it waited for a connection: nothing has gone out, and nothing will.
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

/** Without the byte order mark that some put in front, which JSON does not know. */
function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8')
  return text.startsWith('\uFEFF') ? text.slice(1) : text
}
