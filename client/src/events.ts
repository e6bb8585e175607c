/** The feed of events as one endless sequence, which outlives lost connections and restarts of the server. */

import type { Event, EventPage } from './api.ts'
import type { CountersignError } from './errors.ts'
import { call, type Options, sleep } from './transport.ts'

export type EventsRequest = {
  /** The id of the last event that you have dealt with; without it from the oldest that is kept, 30 days. */
  readonly after?: string | undefined
  /** Such as `verification.used`; without it all. */
  readonly types?: readonly string[] | undefined
  /** Seconds that the server waits for something new, at most 25. Default 25. */
  readonly waitS?: number | undefined
  readonly signal?: AbortSignal | undefined
}

const firstPauseMs = 500
const maxPauseMs = 30_000

/**
 * Yields each event once and in order. Keep the id of the last one that you have dealt with: a process that starts
 * again hands it in as `after`. Never ends by itself.
 * @throws CountersignError for what waiting does not mend, such as a revoked key; the reason of `signal`.
 */
export async function* readEvents(
  options: Options,
  request: EventsRequest = {},
): AsyncGenerator<Event, never> {
  const { types, waitS = 25, signal } = request
  let { after } = request
  for (let failures = 0; ; ) {
    try {
      const page = await call<EventPage>(options, 'GET', '/v1/events', {
        query: { after, types: types?.join(','), wait_s: waitS },
        timeoutMs: waitS * 1000 + (options.timeoutMs ?? 10_000),
        signal,
      })
      failures = 0
      yield* page.events
      after = page.next ?? after
    } catch (error) {
      if (signal?.aborted || !isPassing(error as CountersignError)) throw error
      await sleep(Math.random() * Math.min(maxPauseMs, firstPauseMs * 2 ** failures++), signal)
    }
  }
}

/** No answer, one of a proxy or of a server that is in trouble, or "later". */
function isPassing({ type, status }: CountersignError): boolean {
  return type === 'connection' || status >= 500 || status === 408 || status === 425 || status === 429
}
