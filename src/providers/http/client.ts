/** The way to one carrier's server: kept connections with one request on each at a time, bounded in time and size. */

import type { Socket } from 'node:net'
import { createTimeLimits, type Limited } from '../../time-limits.ts'
import { type Answer, createAnswerReader, type Reading } from './answer-reader.ts'
import { type ConnectSettings, guardedConnect } from './guarded-connect.ts'
import type { Outgoing } from './outgoing.ts'
import { type RequestText, requestWriter } from './request-text.ts'

/** No complete answer came. */
export class Lost extends Error {
  /** The request went out, so that the carrier may have taken it. */
  readonly wasSent: boolean

  constructor(wasSent: boolean, reason: string) {
    super(reason)
    this.wasSent = wasSent
  }
}

type Options = { readonly signal: AbortSignal }

export type HttpClient = {
  /**
   * @param options.signal  Read now and then, so that whoever makes one on demand makes none for a quick answer.
   * @throws Lost
   */
  exchange(request: Outgoing, options: Options): Promise<Answer>
  close(): Promise<void>
}

export type HttpClientSettings = ConnectSettings & {
  readonly connections: number
}

/** Of a whole exchange: just less than a dispatch may take. */
const exchangeTimeoutMs = 9_000
/** A connection that the server ends at the same moment loses a request: rather a new one soon. */
const maxIdleMs = 4_000
/** A server that states how long it keeps connections finds them gone by so much earlier. */
const marginMs = 1_000

type Exchange = Limited & {
  isAborted(): boolean
  readonly request: RequestText
  readonly resolve: (answer: Answer) => void
  readonly reject: (lost: Lost) => void
  /** The one that it went out on. */
  connection: Connection | undefined
}

type Connection = {
  socket: Socket | undefined
  exchange: Exchange | undefined
  /** Why it is closed, where this side closes it. */
  reason: string | undefined
  idleUntil: number
}

const limits = createTimeLimits()

export function createHttpClient(settings: HttpClientSettings): HttpClient {
  const connect = guardedConnect(settings)
  const write = requestWriter(settings.server)
  /** Exchanges without a connection, in the order in which they came. */
  const waiting = new Set<Exchange>()
  const connections = new Set<Connection>()
  /** The last one used is used first, so that those beyond the need end. */
  const idle: Connection[] = []
  let opening = 0
  let closingIdle: NodeJS.Timeout | undefined
  let isClosed = false

  function send(exchange: Exchange, connection: Connection): void {
    connection.exchange = exchange
    exchange.connection = connection
    connection.socket!.write(exchange.request.text, exchange.request.encoding)
  }

  function takeIdle(): Connection | undefined {
    const now = performance.now()
    for (let one = idle.pop(); one; one = idle.pop()) {
      if (one.idleUntil > now && one.socket!.writable) return one
      one.socket!.destroy()
    }
    return undefined
  }

  function open(): void {
    opening++
    let isOpen = false
    const reader = createAnswerReader()
    const connection: Connection = { socket: undefined, exchange: undefined, reason: undefined, idleUntil: 0 }
    connections.add(connection)
    connection.socket = connect({
      onOpen() {
        isOpen = true
        opening--
        useNext(connection, undefined)
      },
      onBytes(bytes) {
        // Nobody asked for anything.
        if (connection.exchange) onReading(connection, reader.push(bytes))
        else connection.socket!.destroy()
      },
      onEnd() {
        if (connection.exchange) onReading(connection, reader.end())
      },
      onClosed(given) {
        connections.delete(connection)
        const at = idle.indexOf(connection)
        if (at >= 0) idle.splice(at, 1)
        const reason = connection.reason ?? given
        if (connection.exchange) lose(connection.exchange, new Lost(true, reason))
        if (isOpen) return openMore()
        opening--
        // It was opened for one of those who wait. The others have their own, or get one now.
        const [first] = waiting
        if (first) lose(first, new Lost(false, reason))
        openMore()
      },
    })
  }

  function onReading(connection: Connection, reading: Reading): void {
    const exchange = connection.exchange!
    switch (reading.kind) {
      case 'more':
        return
      case 'broken':
        lose(exchange, new Lost(true, reading.reason))
        return
      case 'whole':
        connection.exchange = undefined
        limits.delete(exchange)
        if (reading.isReusable && !isClosed) useNext(connection, reading.keptMs)
        else connection.socket!.destroy()
        exchange.resolve(reading.answer)
    }
  }

  /** Ends an exchange without an answer. Its connection, on which an answer may still come, is of no use any more. */
  function lose(exchange: Exchange, lost: Lost): void {
    limits.delete(exchange)
    waiting.delete(exchange)
    const { connection } = exchange
    if (connection) {
      connection.exchange = undefined
      connection.socket!.destroy()
    }
    exchange.reject(lost)
  }

  function useNext(connection: Connection, keptMs: number | undefined): void {
    for (const one of waiting) {
      waiting.delete(one)
      if (one.isAborted()) one.expire()
      else {
        send(one, connection)
        return
      }
    }
    const idleMs = Math.min(maxIdleMs, (keptMs ?? Number.POSITIVE_INFINITY) - marginMs)
    if (idleMs <= 0) {
      connection.socket!.destroy()
      return
    }
    connection.idleUntil = performance.now() + idleMs
    idle.push(connection)
    closingIdle ??= setTimeout(closeIdle, maxIdleMs).unref()
  }

  /** Ends connections that nobody used for a while. */
  function closeIdle(): void {
    const now = performance.now()
    // Each leaves the list as it closes.
    for (const one of idle) if (one.idleUntil <= now) one.socket!.destroy()
    closingIdle = idle.length > 0 ? setTimeout(closeIdle, maxIdleMs / 4).unref() : undefined
  }

  function openMore(): void {
    if (!isClosed && opening < waiting.size && connections.size < settings.connections) open()
  }

  return {
    exchange: (request, options) =>
      new Promise((resolve, reject) => {
        let text: RequestText
        try {
          text = write(request)
        } catch (error) {
          return reject(new Lost(false, (error as Error).message))
        }
        if (isClosed) return reject(new Lost(false, 'closing'))
        const exchange: Exchange = {
          request: text,
          until: performance.now() + exchangeTimeoutMs,
          isAborted: () => options.signal.aborted,
          expire() {
            const wasSent = exchange.connection !== undefined
            lose(exchange, new Lost(wasSent, wasSent ? 'no answer in time' : 'no connection in time'))
          },
          resolve,
          reject,
          connection: undefined,
        }
        limits.add(exchange)
        const connection = takeIdle()
        if (connection) return send(exchange, connection)
        waiting.add(exchange)
        openMore()
      }),

    async close() {
      isClosed = true
      clearTimeout(closingIdle)
      for (const exchange of waiting) lose(exchange, new Lost(false, 'closing'))
      for (const one of connections) {
        one.reason = 'closing'
        one.socket?.destroy()
      }
    },
  }
}
