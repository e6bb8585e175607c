/** The inbox's event stream: each page pulls what is new to it, so a slow one holds up nobody and no memory. */

import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'

/** A message as the page and its callers get it. */
export type InboxMessage = {
  /** Increases with arrival. */
  readonly seq: number
  readonly id: string
  readonly to: string
  readonly html: string | null
  readonly [field: string]: string | number | null
}

/** Where messages come from. */
export type InboxSource = {
  /** Newest first. */
  list(query: { readonly to?: string; readonly after?: number }): readonly InboxMessage[]
  subscribe(listener: (message: InboxMessage) => void): () => void
}

export type InboxEvents = {
  /**
   * Answers with a stream: what the inbox holds beyond `lastEventId`, then each message as it arrives.
   * An event's data is the message with `hasHtml` in place of `html`.
   */
  open(answer: ServerResponse, headers: Readonly<Record<string, string>>, lastEventId: string): void
  /** Ends all streams and refuses new ones, for a stream never ends by itself. */
  close(): void
}

type Stream = { readonly answer: ServerResponse; last: number }

/** Arrivals within this time travel together. */
const gatherMs = 20
/** In a flood longer: no page shows, and nobody reads, more than this brings. */
const gatherInFloodMs = 250
const flood = 200
const heartbeatMs = 15_000
const retryMs = 1_000

export function createInboxEvents(inbox: InboxSource): InboxEvents {
  /** In every event's id: after a restart the numbers begin anew, and an id of before says nothing. */
  const run = randomBytes(6).toString('hex')
  const streams = new Set<Stream>()
  let unsubscribe: (() => void) | undefined
  let gathering: NodeJS.Timeout | undefined
  let arrived = 0
  let waitMs = gatherMs
  let isClosed = false

  function gather(): void {
    arrived++
    gathering ??= setTimeout(pourAll, waitMs)
  }

  function pourAll(): void {
    gathering = undefined
    waitMs = arrived > flood ? gatherInFloodMs : gatherMs
    arrived = 0
    for (const stream of streams) pour(stream)
  }

  /** What a slow reader misses meanwhile stays in the inbox, or leaves it there: never in a buffer here. */
  function pour(stream: Stream): void {
    if (stream.answer.writableNeedDrain) return
    const news = inbox.list({ after: stream.last })
    const [newest] = news
    if (!newest) return
    stream.last = newest.seq
    stream.answer.write(news.toReversed().map(eventOf).join(''))
  }

  function eventOf({ html, ...message }: InboxMessage): string {
    return `id: ${run}-${message.seq}\ndata: ${JSON.stringify({ ...message, hasHtml: html !== null })}\n\n`
  }

  function numberIn(lastEventId: string): number {
    const [of, seq] = lastEventId.split('-')
    return of === run && Number.isSafeInteger(Number(seq)) ? Number(seq) : 0
  }

  return {
    open(answer, headers, lastEventId) {
      // Cut off, not refused: a page that is told no by a status does not come back by itself.
      if (isClosed) return void answer.destroy()
      answer.writeHead(200, {
        ...headers,
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
        connection: 'close',
      })
      answer.write(`retry: ${retryMs}\n\n`)
      const stream: Stream = { answer, last: numberIn(lastEventId) }
      const heartbeat = setInterval(() => {
        if (!answer.writableNeedDrain) answer.write(': alive\n\n')
      }, heartbeatMs)
      streams.add(stream)
      unsubscribe ??= inbox.subscribe(gather)
      answer.on('drain', () => pour(stream))
      answer.on('close', () => {
        clearInterval(heartbeat)
        streams.delete(stream)
        if (streams.size > 0) return
        unsubscribe?.()
        unsubscribe = undefined
        clearTimeout(gathering)
        gathering = undefined
      })
      pour(stream)
    },
    close() {
      isClosed = true
      // One that does not read would never take its end.
      for (const { answer } of streams) answer.writableNeedDrain ? answer.destroy() : answer.end()
    },
  }
}
