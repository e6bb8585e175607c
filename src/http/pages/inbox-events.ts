/** The inbox's event stream. Each page pulls its news, so a slow page delays nobody and fills no buffer. */

import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'

/** A message of the inbox, in the form of the page and of `/inbox/messages`. */
export type InboxMessage = {
  /** Increases with arrival. */
  readonly seq: number
  readonly id: string
  readonly to: string
  readonly html: string | null
  readonly [field: string]: string | number | null
}

/** The source of messages. */
export type InboxSource = {
  /** Newest first. */
  list(query: { readonly to?: string; readonly after?: number }): readonly InboxMessage[]
  subscribe(listener: (message: InboxMessage) => void): () => void
}

export type InboxEvents = {
  /**
   * Answers with a stream: the messages in the inbox after `lastEventId`, then each message as it arrives.
   * An event's data is the message with `hasHtml` in place of `html`.
   */
  open(answer: ServerResponse, headers: Readonly<Record<string, string>>, lastEventId: string): void
  /** Ends all streams and refuses new ones, for a stream never ends by itself. */
  close(): void
}

type Stream = { readonly answer: ServerResponse; last: number }

/** Arrivals within this time travel together. */
const gatherMs = 20
/** In a flood they wait longer. This still brings more than a page shows and a person reads. */
const gatherInFloodMs = 250
const flood = 200
const heartbeatMs = 15_000
const retryMs = 1_000

export function createInboxEvents(inbox: InboxSource): InboxEvents {
  /** Part of every event's id: after a restart numbers begin again, and ids from before the restart mean nothing. */
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

  /** Messages for a slow reader wait in the inbox, which drops the oldest; nothing is buffered here. */
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
      // The connection is cut: after an error status the page would not connect again by itself.
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
      // A page that does not read would never receive the end of the stream.
      for (const { answer } of streams) answer.writableNeedDrain ? answer.destroy() : answer.end()
    },
  }
}
