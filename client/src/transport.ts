/** One call of the server: its tries, their waits, and how an answer becomes a value or an error. */

import type { Problem } from './api.ts'
import { CountersignError } from './errors.ts'

export type Options = {
  /** Of the server, such as `https://otp.example.com`. */
  readonly url: string
  /** `ck_live_…` or `ck_test_…`. It must not reach a browser. */
  readonly key?: string | undefined
  /** Pins the behaviour of the server, such as `2026-12-01`. Without it that of the key's creation holds. */
  readonly version?: string | undefined
  /** Instead of the global one, e.g. to go through a proxy. */
  readonly fetch?: typeof fetch | undefined
  /** The time of one try, in milliseconds. Default 4000. */
  readonly timeoutMs?: number | undefined
  /** Tries of a call, the first included. Default 3; 1 never repeats. */
  readonly maxTries?: number | undefined
}

export type CallOptions = {
  /** Ends the call, also while it waits for the next try. What is thrown is the signal's reason. */
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number | undefined
  /** Your own, to repeat the call from another process. Without it each call makes one for its own tries. */
  readonly idempotencyKey?: string | undefined
}

export type Call = CallOptions & {
  readonly query?: Readonly<Record<string, string | number | undefined>>
  readonly body?: unknown
  readonly maxTries?: number
}

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE'

const defaultTimeoutMs = 4000
const defaultMaxTries = 3
/** No further try begins later than this after the first one, but for the wait that the server itself asks for. */
const maxWaitMs = 8000
/** Whoever must wait longer is better served by an error. */
const maxRetryAfterS = 10
const firstJitterMs = 200
const retriedStatuses = [408, 425, 429, 500, 502, 503, 504]

/**
 * @returns The JSON of the answer; undefined for one without a body.
 * @throws CountersignError; the reason of `signal` once that is aborted.
 */
export async function call<T>(options: Options, method: Method, path: string, given: Call = {}): Promise<T> {
  const { body, query, signal, timeoutMs = options.timeoutMs ?? defaultTimeoutMs } = given
  const url = urlOf(options.url, path, query)
  const init = {
    method,
    headers: {
      ...(options.key !== undefined && { authorization: `Bearer ${options.key}` }),
      accept: 'application/json',
      ...(options.version !== undefined && { 'countersign-version': options.version }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(method === 'POST' && { 'idempotency-key': given.idempotencyKey ?? crypto.randomUUID() }),
    },
    // A key is not carried to another place; `error` is unknown to some workers.
    redirect: 'manual' as const,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  }
  const startedAt = Date.now()
  for (let tries = 1; ; tries++) {
    const outcome = await tryOnce<T>(options.fetch ?? fetch, url, init, timeoutMs, signal)
    if (outcome.kind === 'answer') return outcome.value
    const { error } = outcome
    // The answer to the first deletion was lost.
    if (method === 'DELETE' && tries > 1 && error.status === 404) return undefined as T
    const waitMs = waitBefore(tries, error)
    const isLate = Date.now() - startedAt + waitMs > maxWaitMs + (error.retryAfterS ?? 0) * 1000
    if (tries >= (given.maxTries ?? options.maxTries ?? defaultMaxTries) || isLate || !isRetried(error))
      throw error
    await sleep(waitMs, signal)
  }
}

type Outcome<T> = { kind: 'answer'; value: T } | { kind: 'failure'; error: CountersignError }

async function tryOnce<T>(
  fetchIt: typeof fetch,
  url: string,
  init: RequestInit,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Outcome<T>> {
  signal?.throwIfAborted()
  const own = new AbortController()
  const abort = () => own.abort(signal?.reason)
  signal?.addEventListener('abort', abort)
  const timer = setTimeout(() => own.abort(new Error(`no whole answer within ${timeoutMs} ms`)), timeoutMs)
  try {
    const response = await fetchIt(url, { ...init, signal: own.signal })
    // Read within the time, because a connection may break, or hang, in the middle of an answer.
    const text = await response.text()
    if (!response.ok) return { kind: 'failure', error: refusalOf(response, text) }
    return { kind: 'answer', value: (text === '' ? undefined : JSON.parse(text)) as T }
  } catch (cause) {
    signal?.throwIfAborted()
    const reason = own.signal.aborted ? own.signal.reason : cause
    const message = `${init.method} ${new URL(url).pathname}: no answer (${reasonOf(reason)})`
    return { kind: 'failure', error: new CountersignError(message, { type: 'connection', cause: reason }) }
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
}

/** An answer of the server itself is a problem of RFC 9457; a proxy before it may say anything. */
function refusalOf({ status, headers }: Response, text: string): CountersignError {
  let problem: Problem | undefined
  try {
    const read = JSON.parse(text)
    if (typeof read?.type === 'string') problem = read
  } catch {
    // of a proxy
  }
  return new CountersignError(problem?.detail ?? problem?.title ?? `the answer was ${status}`, {
    type: problem?.type.replace(/^.*\//, '') ?? 'answer',
    status,
    problem,
    requestId: headers.get('x-request-id') ?? problem?.instance,
    retryAfterS: secondsOf(headers.get('retry-after')) ?? (problem?.retry_after_s as number | undefined),
  })
}

function isRetried({ type, status, retryAfterS }: CountersignError): boolean {
  if (retryAfterS !== undefined && retryAfterS > maxRetryAfterS) return false
  // Our own earlier try is still under way: its answer is to be had in a moment.
  if (type === 'connection' || type === 'idempotency-in-progress') return true
  return retriedStatuses.includes(status) && (status !== 429 || retryAfterS !== undefined)
}

/** Full jitter, which keeps callers that failed together from coming back together. */
function waitBefore(tries: number, { retryAfterS = 0 }: CountersignError): number {
  return retryAfterS * 1000 + Math.random() * firstJitterMs * 2 ** (tries - 1)
}

function secondsOf(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined
  const seconds = Number(retryAfter)
  const until = Number.isNaN(seconds) ? (Date.parse(retryAfter) - Date.now()) / 1000 : seconds
  return Number.isNaN(until) ? undefined : Math.max(0, until)
}

export function sleep(ms: number, signal?: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve()
    }, ms)
    if (signal?.aborted) abort()
    else signal?.addEventListener('abort', abort, { once: true })
  })
}

function urlOf(base: string, path: string, query: Call['query'] = {}): string {
  const stated = Object.entries(query).filter(([, value]) => value !== undefined)
  const search = new URLSearchParams(stated.map(([name, value]) => [name, `${value}`]))
  return `${base.replace(/\/+$/, '')}${path}${search.size > 0 ? `?${search}` : ''}`
}

function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { code?: string; message?: string } }
  return cause?.code ?? cause?.message ?? message ?? `${error}`
}
