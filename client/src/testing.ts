/** `@countersign/client/testing`: a client that also reads what the sandbox carrier of a development server delivered. */

import { Countersign } from './countersign.ts'
import { CountersignError } from './errors.ts'
import { call, type Options, sleep } from './transport.ts'

export type TestOptions = Options & {
  /** The inbox with its key, as a development server prints it: `http://127.0.0.1:8080/inbox?key=…`. */
  readonly inbox: string
}

export type InboxMessage = {
  readonly id: string
  readonly channel: string
  readonly to: string
  readonly locale: string
  readonly subject: string | null
  readonly text: string
  readonly html: string | null
  /** Null if it is a notice. */
  readonly code: string | null
  /** Milliseconds since 1970. */
  readonly arrivedAt: number
}

export type CodeOptions = {
  /** Only messages that arrived at this time or later: `created_at` of the verification. */
  readonly since?: string | undefined
  /** How long to wait for one, in milliseconds. Default 10 000. */
  readonly timeoutMs?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const pauseMs = 25

export class TestClient extends Countersign {
  readonly #inbox: URL

  constructor({ inbox, ...options }: TestOptions) {
    super(options)
    this.#inbox = new URL(inbox)
  }

  /** What arrived at an address, the newest first; without one all. */
  messages(to?: string, signal?: AbortSignal): Promise<InboxMessage[]> {
    const { origin, searchParams } = this.#inbox
    const options = { url: origin, key: searchParams.get('key') ?? '' }
    return call(options, 'GET', '/inbox/messages', { query: { to }, signal })
  }

  /**
   * Waits for the newest code that arrives at an address.
   * @throws CountersignError `connection` if none does within the time.
   */
  async codeFor(to: string, { since, timeoutMs = 10_000, signal }: CodeOptions = {}): Promise<string> {
    const from = since === undefined ? 0 : Date.parse(since)
    for (const until = Date.now() + timeoutMs; Date.now() < until; await sleep(pauseMs, signal)) {
      const messages = await this.messages(to, signal)
      const code = messages.find((one) => one.code !== null && one.arrivedAt >= from)?.code
      if (code) return code
    }
    throw new CountersignError(`no code arrived within ${timeoutMs} ms`, { type: 'connection' })
  }
}
